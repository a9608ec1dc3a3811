// Run by test_component.py: a phantom's acoustics along the tract.
const assert = require("node:assert");
const test = require("node:test");

const { acousticsAt, curvePoints } = require("./scripts.js")("explorer/acoustics.js")("acousticsAt, curvePoints");

const told = { stretches: 2, true: [NaN, NaN, 0.25, -0.75], map: [NaN, NaN, 0.5, 0.5], rank: [NaN, -1] };

test("a frame has its own stretches, or nothing where acoustics knows nothing of it", () => {
  assert.strictEqual(acousticsAt(told, 0), null);
  assert.deepStrictEqual(acousticsAt(told, 1), { truth: [0.25, -0.75], map: [0.5, 0.5], rank: -1 });
});

test("a curve's largest value reaches the edge, its sign the side of the line, and each value the middle of its stretch", () => {
  const box = { left: 10, top: 0, width: 80, height: 46 };
  assert.deepStrictEqual(curvePoints([1, -2], box), [[30, 13], [70, 43]]);
  assert.deepStrictEqual(curvePoints([0, 0], box), [[30, 23], [70, 23]]);
});
