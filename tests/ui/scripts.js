// The page's scripts run as one, as rtmri2speech/ui/component puts them together: scripts(files)("names, of what a test needs").
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const UI = join(__dirname, "..", "..", "rtmri2speech", "ui");

module.exports = (...files) => (names) =>
  new Function(`${files.map((file) => readFileSync(join(UI, file), "utf8")).join("\n")}\nreturn {${names}};`)();
