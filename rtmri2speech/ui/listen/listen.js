// The listener on the page: several sounds of one clip, one position. Everything drawn follows from `data` and `state`.
// Gradio calls this script once with: element, props (value: the payload as JSON; texts), watch.

const find = (name) => element.querySelector(`[data-name="${name}"]`);
const root = element.querySelector(".listen");
const MEL_HEIGHT = 88, LINES_HEIGHT = 120, GAP = 6, MARGIN = 10, SCALE_WIDTH = 110;
const MARKS_HZ = [300, 900, 2500, 5000];

let data = null;
let players = [];
const state = { sound: 0, loop: false };

function language() {
  return document.documentElement.lang.startsWith("ja") ? "ja" : "en";
}

function word(key) {
  return props.texts[language()][key];
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function load(text) {
  pause();
  for (const player of players) URL.revokeObjectURL(player.src);
  players = [];
  data = null;
  root.hidden = !text;
  if (!text) return;
  data = JSON.parse(text);
  data.duration = data.frames / data.fps;
  players = data.sounds.map((sound) => {
    const player = new Audio(URL.createObjectURL(new Blob([bytesOf(sound.wav)], { type: "audio/wav" })));
    player.preload = "auto";
    for (const event of ["play", "pause"]) player.addEventListener(event, render);
    player.addEventListener("ended", ended);
    sound.picture = pictureOf(bytesOf(sound.mel), sound.frames, bytesOf(data.tables.one));
    delete sound.wav;
    return player;
  });
  find("players").replaceChildren(...players);
  if (data.difference)
    data.difference.picture = pictureOf(bytesOf(data.difference.levels), data.difference.frames, bytesOf(data.tables.diverging));
  if (data.changes)
    for (const [name, values] of Object.entries(data.changes.bands))
      data.changes.bands[name] = new Float32Array(bytesOf(values).buffer);
  Object.assign(state, { sound: 0, loop: false });
  write();
}

// Rows of levels, the highest first, as a canvas of their colours.
function pictureOf(levels, width, table) {
  const height = levels.length / width;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < levels.length; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = table[3 * levels[i] + c];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// ---- words ----

function write() {
  for (const node of element.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  for (const node of element.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  if (!data) return;
  find("sounds").replaceChildren(
    ...data.sounds.map((sound, number) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: `${number + 1}  ${sound.words[language()]}` });
      button.dataset.sound = number;
      return button;
    }),
  );
  drawLanes();
  render();
}

// ---- time: the sound is the clock ----

function player() {
  return players[state.sound];
}

function pause() {
  for (const one of players) one.pause();
}

function play() {
  // one voice at a time on the page
  for (const other of document.querySelectorAll("audio, video")) if (!players.includes(other)) other.pause();
  if (player().currentTime >= data.duration - 0.01) seek(0);
  if (data.stretch && state.loop) {
    const [first, last] = bounds();
    if (player().currentTime < first || player().currentTime >= last) seek(first);
  }
  const begun = player().play();
  begun.catch((error) => {
    if (error.name !== "AbortError") throw error; // paused before the sound had begun
  });
  requestAnimationFrame(follow);
}

function bounds() {
  const [first, last] = data.stretch ?? [0, data.frames - 1];
  return [first / data.fps, (last + 1) / data.fps];
}

function follow() {
  if (!data || player().paused) return;
  const [first, last] = bounds();
  if (state.loop && player().currentTime >= last) seek(first);
  renderCursor();
  requestAnimationFrame(follow);
}

function ended() {
  if (state.loop) {
    seek(bounds()[0]);
    play();
  } else render();
}

function seek(seconds) {
  for (const one of players) one.currentTime = Math.max(0, Math.min(data.duration - 0.001, seconds));
  renderCursor();
}

function choose(number) {
  if (number === state.sound || !(number in players)) return;
  const playing = !player().paused, at = player().currentTime;
  pause();
  state.sound = number;
  seek(at);
  if (playing) play();
  render();
}

// ---- what a person does ----

const ACTIONS = {
  play: () => (player().paused ? play() : pause()),
  loop: () => {
    state.loop = !state.loop;
    render();
  },
};

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !data) return;
  if (button.dataset.sound) choose(Number(button.dataset.sound));
  if (button.dataset.action) ACTIONS[button.dataset.action]();
});

root.addEventListener("keydown", (event) => {
  event.stopPropagation(); // the frame explorer listens to the same keys
  if (!data || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button")) return;
  const step = (event.shiftKey ? 10 : 1) / data.fps;
  const act = {
    " ": ACTIONS.play,
    l: ACTIONS.loop,
    ArrowLeft: () => seek(player().currentTime - step),
    ArrowRight: () => seek(player().currentTime + step),
    Home: () => seek(0),
    End: () => seek(data.duration),
  }[event.key] ?? (/^[1-9]$/.test(event.key) ? () => choose(Number(event.key) - 1) : null);
  if (!act) return;
  event.preventDefault();
  act();
});

find("tracks").addEventListener("pointerdown", (event) => {
  if (!data || event.button > 0) return;
  find("tracks").setPointerCapture(event.pointerId);
  seek(timeUnder(event));
});
find("tracks").addEventListener("pointermove", (event) => {
  if (data && find("tracks").hasPointerCapture(event.pointerId)) seek(timeUnder(event));
});

document.addEventListener("play", (event) => {
  if (!players.includes(event.target)) pause();
}, true);

// ---- pictures ----

function gutter() {
  return Math.round(5.5 * parseFloat(getComputedStyle(root).fontSize));
}

function placeOf(seconds) {
  return gutter() + (seconds / data.duration) * (find("tracks").clientWidth - gutter() - MARGIN);
}

function timeUnder(event) {
  const box = find("tracks").getBoundingClientRect();
  return ((event.clientX - box.left - gutter()) / (box.width - gutter() - MARGIN)) * data.duration;
}

function render() {
  if (!data) return;
  for (const button of root.querySelectorAll("[data-sound]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.sound) === state.sound));
  root.querySelector('[data-action="loop"]').setAttribute("aria-pressed", String(state.loop));
  root.classList.toggle("playing", !player().paused);
  renderCursor();
}

function renderCursor() {
  const now = player().currentTime, tracks = find("tracks");
  find("cursor").style.transform = `translateX(${placeOf(Math.min(now, data.duration))}px)`;
  find("time").textContent = word("listen_position").replace("{now}", now.toFixed(2)).replace("{all}", data.duration.toFixed(2));
  tracks.setAttribute("aria-valuemax", data.duration.toFixed(2));
  tracks.setAttribute("aria-valuenow", now.toFixed(2));
  tracks.setAttribute("aria-valuetext", find("time").textContent);
  find("chosen").style.display = data.stretch ? "" : "none";
  if (!data.stretch) return;
  const [first, last] = bounds().map(placeOf);
  find("chosen").style.transform = `translateX(${first}px)`;
  find("chosen").style.width = `${last - first}px`;
}

function drawLanes() {
  if (!data || !find("tracks").clientWidth) return;
  const style = getComputedStyle(root), colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const size = parseFloat(style.fontSize) - 1, titles = size + 6, left = gutter();
  const lanes = data.sounds.map((sound, number) => ({
    title: `${number + 1}  ${sound.words[language()]}`, height: MEL_HEIGHT,
    paint: (box) => {
      paintPicture(box, sound.picture);
      paintFrequencies(box);
    },
  }));
  if (data.difference)
    lanes.push({
      title: data.difference.words[language()], height: MEL_HEIGHT,
      paint: (box) => {
        paintPicture(box, data.difference.picture);
        paintFrequencies(box);
        paintScale(box, bytesOf(data.tables.diverging), data.difference.limit_db);
      },
    });
  if (data.changes) lanes.push({ title: data.changes.words[language()], height: LINES_HEIGHT, paint: paintLines });
  const height = lanes.reduce((sum, lane) => sum + titles + lane.height + GAP, 0);
  find("tracks").style.height = `${height}px`;
  const canvas = find("lanes"), scale = window.devicePixelRatio, width = find("tracks").clientWidth;
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const draw = canvas.getContext("2d");
  draw.scale(scale, scale);
  draw.font = `${size}px system-ui, sans-serif`;
  draw.textBaseline = "middle";
  let top = 0;
  for (const lane of lanes) {
    draw.textAlign = "left";
    draw.fillStyle = colour("ink");
    draw.fillText(lane.title, left + 5, top + titles / 2);
    top += titles;
    const box = { draw, colour, size, left, top, width: width - left - MARGIN, height: lane.height };
    draw.fillStyle = colour("lane");
    draw.fillRect(box.left, box.top, box.width, box.height);
    lane.paint(box);
    top += lane.height + GAP;
  }
}

function paintPicture({ draw, left, top, width, height }, picture) {
  draw.imageSmoothingEnabled = false;
  draw.drawImage(picture, left, top, width, height);
}

// The frequencies left of a mel spectrogram, each at the height of its bin.
function paintFrequencies({ draw, colour, size, left, top, height }) {
  const bins = data.bins_hz, rows = height / bins.length;
  draw.textAlign = "right";
  for (const hz of MARKS_HZ) {
    const above = bins.findIndex((one) => one >= hz);
    if (above < 1) continue;
    const bin = above - (bins[above] - hz) / (bins[above] - bins[above - 1]), y = top + height - (bin + 0.5) * rows;
    draw.fillStyle = colour("faint");
    draw.fillText(hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, left - 8, Math.max(top + size / 2, y));
    draw.fillRect(left - 5, y, 5, 1);
  }
}

// What the colours of a difference mean, at the right end of its title's line.
function paintScale({ draw, colour, size, left, top, width }, table, limit) {
  const middle = top - size / 2 - 3, louder = `+${limit} dB ${word("listen_louder")}`;
  draw.fillStyle = colour("ink");
  draw.textAlign = "right";
  draw.fillText(louder, left + width, middle);
  const end = left + width - draw.measureText(louder).width - 6;
  for (let column = 0; column < SCALE_WIDTH; column++) {
    const entry = 3 * Math.round((255 * column) / (SCALE_WIDTH - 1));
    draw.fillStyle = `rgb(${table[entry]} ${table[entry + 1]} ${table[entry + 2]})`;
    draw.fillRect(end - SCALE_WIDTH + column, middle - 5, 1, 10);
  }
  draw.fillStyle = colour("ink");
  draw.fillText(`${word("listen_quieter")} −${limit} dB`, end - SCALE_WIDTH - 6, middle);
}

// Lines of change in dB about zero, on a round scale that holds them all.
function paintLines({ draw, colour, size, left, top, width, height }) {
  const bands = Object.entries(data.changes.bands);
  let largest = 0;
  for (const [, values] of bands) for (const value of values) largest = Math.max(largest, Math.abs(value));
  const limit = [3, 6, 10, 20, 30, 50, 100].find((round) => round >= largest) ?? Math.ceil(largest);
  const middle = top + height / 2, y = (db) => middle - (db / limit) * (height / 2 - 4);
  draw.textAlign = "right";
  for (const db of [-limit, 0, limit]) {
    draw.fillStyle = colour("faint");
    draw.fillText(`${db > 0 ? "+" : ""}${db} dB`.replace("-", "−"), left - 6, Math.min(top + height - size / 2, Math.max(top + size / 2, y(db))));
    draw.fillStyle = colour("line");
    draw.fillRect(left, y(db), width, 1);
  }
  draw.textAlign = "right";
  for (const [number, [name, values]] of bands.entries()) {
    draw.strokeStyle = draw.fillStyle = colour(`band-${number}`);
    draw.lineWidth = 2;
    draw.beginPath();
    values.forEach((db, frame) => draw.lineTo(left + ((frame + 0.5) / values.length) * width, y(db)));
    draw.stroke();
    draw.fillText(name, left + width - 6 - (bands.length - 1 - number) * 3 * size, top - size / 2 - 3);
  }
}

new ResizeObserver(drawLanes).observe(root);
new MutationObserver(write).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
new MutationObserver(drawLanes).observe(document.body, { attributes: true, attributeFilter: ["class"] });
watch("value", () => load(props.value));
write();
load(props.value);
