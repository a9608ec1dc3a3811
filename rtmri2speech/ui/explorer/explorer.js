
// The frame explorer on the page. Everything shown follows from `data` (an analysis, see payload.py) and `state`.
// Gradio calls this script once with: element, props (value: the payload as JSON; texts), watch.

const SIDE = 256; // pixels of the two pictures
const MARGIN = 10; // pixels right of the tracks
const CLEAR = 9; // pixels from the tracks' left edge to their words: the cursor at frame 0 stands between

const find = (name) => element.querySelector(`[data-name="${name}"]`);
const root = element.querySelector(".explorer");
const players = { synthesised: null, original: null };
for (const name of Object.keys(players)) players[name] = element.querySelector(`[data-player="${name}"]`);

let data = null;
const state = {
  frame: 0,
  view: "both", // a band's number as text, "both", "difference" or "off"
  signed: false,
  cells: false,
  opacity: 0.7,
  loop: false,
  speed: 1,
  sound: "synthesised",
  stretch: null, // [first, last] frame chosen, or null for the whole clip
  untouched: true, // nobody has moved through this clip yet: playing begins at its start
};

// ---- words ----

function language() {
  return document.documentElement.lang.startsWith("ja") ? "ja" : "en";
}

function word(key) {
  return props.texts[language()][key];
}

function bandLabel(band) {
  return word("band").replace("{name}", band.name).replace("{low}", band.low_hz).replace("{high}", band.high_hz);
}

function write() {
  for (const node of element.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  for (const node of element.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(node.dataset.label));
    if (node.matches("button")) node.title = word(node.dataset.label);
  }
  for (const node of element.querySelectorAll("[data-title]")) node.title = word(node.dataset.title);
  const keys = find("keys");
  keys.replaceChildren();
  for (const line of word("keys").split("\n")) {
    const [key, meaning] = line.split(": ");
    keys.append(labelled("dt", key), labelled("dd", meaning));
  }
}

function labelled(tag, text, className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

// ---- the analysis arrives ----

async function load(text) {
  if (!text) return;
  const fresh = JSON.parse(text);
  fresh.gray = await grayFrames(fresh);
  if (text !== props.value) return; // a newer one came meanwhile
  pause();
  for (const band of fresh.bands) {
    band.cam = floatsOf(band.cam);
    band.db = floatsOf(band.db);
    band.amount = floatsOf(band.amount);
    for (const name of Object.keys(band.shares)) band.shares[name] = floatsOf(band.shares[name]);
  }
  for (const [name, sound] of Object.entries(fresh.sounds)) {
    sound.envelope = floatsOf(sound.envelope);
    sound.mel = melPicture(bytesOf(sound.mel), fresh);
    URL.revokeObjectURL(players[name].src);
    players[name].src = URL.createObjectURL(new Blob([bytesOf(sound.wav)], { type: "audio/wav" }));
    players[name].preservesPitch = true;
    delete sound.wav;
  }
  fresh.tables.bands = fresh.tables.bands.map(bytesOf);
  fresh.tables.one = bytesOf(fresh.tables.one);
  fresh.tables.diverging = bytesOf(fresh.tables.diverging);
  fresh.duration = fresh.frames / fresh.fps;
  for (const band of fresh.bands) band.changes = changes(band.shares, band.amount);
  data = fresh;
  Object.assign(state, { stretch: null, sound: "synthesised" });
  if (!viewsOf(data.bands.length).includes(state.view)) state.view = viewsOf(data.bands.length)[0];
  root.hidden = false;
  find("waiting").hidden = true;
  root.dataset.clip = data.name;
  for (const button of element.querySelectorAll("[data-sound]")) button.disabled = !(button.dataset.sound in data.sounds);
  find("tracks").setAttribute("aria-valuemax", data.frames - 1);
  find("clip").textContent = find("clip").title = data.name;
  nameViews();
  seek(tellingFrame(data.bands.map((band) => band.db), data.bands.map((band) => band.amount)));
  state.untouched = true;
  renderTracks();
}

function nameViews() {
  const views = viewsOf(data.bands.length);
  for (const button of element.querySelectorAll("[data-view]")) button.hidden = !views.includes(button.dataset.view);
  for (const [number, band] of data.bands.entries()) {
    const button = element.querySelector(`[data-view="${number}"]`);
    button.textContent = band.name;
    button.title = bandLabel(band);
  }
  element.querySelector('[data-view="both"]').textContent = word(data.bands.length === 2 ? "both" : "all");
  const original = element.querySelector('[data-sound="original"]');
  original.textContent = word(original.disabled ? "no_original" : "original");
  original.title = original.disabled ? word("no_original_help") : "";
}

// The sheets' tiles as one Uint8Array a frame, (side, side) gray.
async function grayFrames({ sheet, frames }) {
  const { side, pitch, tiles } = sheet, gray = [];
  for (const image of sheet.images) {
    const picture = await createImageBitmap(new Blob([bytesOf(image)], { type: "image/jpeg" }));
    const context = context2d(picture.width, picture.height);
    context.drawImage(picture, 0, 0);
    for (let k = 0; k < tiles * tiles && gray.length < frames; k++) {
      const left = (k % tiles) * pitch, top = Math.floor(k / tiles) * pitch;
      const rgba = context.getImageData(left, top, side, side).data;
      const frame = new Uint8Array(side * side);
      for (let i = 0; i < frame.length; i++) frame[i] = rgba[4 * i];
      gray.push(frame);
    }
    picture.close();
  }
  return gray;
}

// A mel (n_mels, T), lowest bin first, as a canvas with the lowest at the bottom.
function melPicture(levels, { frames, tables }) {
  const table = bytesOf(tables.one), bins = levels.length / frames;
  const context = context2d(frames, bins), image = context.createImageData(frames, bins);
  for (let i = 0; i < levels.length; i++) {
    const target = (bins - 1 - Math.floor(i / frames)) * frames + (i % frames);
    for (let c = 0; c < 3; c++) image.data[4 * target + c] = table[3 * levels[i] + c];
    image.data[4 * target + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return context.canvas;
}

function context2d(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return canvas.getContext("2d", { willReadFrequently: true });
}

// ---- pictures ----

function camOf(band) {
  const cells = data.grid * data.grid;
  return band.cam.subarray(state.frame * cells, (state.frame + 1) * cells);
}

// What lies over the frame: heat levels, layers, and a row of the legend for each: {name, layer, marks}.
function heat() {
  const bands = data.bands.map((band) => heatOf(camOf(band), band.scale));
  const enlarged = (grid) => enlarge(grid, data.grid, SIDE, state.cells ? "cells" : "cubic");
  const layers = data.tables.bands.map((table) => heatLayer(table, state.opacity));
  const diverging = divergingLayer(data.tables.diverging, state.opacity);
  if (state.view === "off") return { levels: [], layers: [], legend: [] };
  if (state.view === "difference") {
    const difference = bands[0].map((value, i) => value - bands[1][i]);
    const [first, second] = data.bands.map((band) => band.name);
    const legend = [{ name: `${first} − ${second}`, layer: diverging, marks: [second, first] }];
    return { levels: [signedLevels(enlarged(difference))], layers: [diverging], legend };
  }
  if (state.view === "both") {
    const legend = data.bands.map((band, i) => ({ name: bandLabel(band), layer: layers[i], marks: ["0", "1"] }));
    return { levels: bands.map((grid) => heatLevels(enlarged(grid))), layers, legend };
  }
  const number = Number(state.view), band = data.bands[number];
  if (state.signed) {
    const legend = [{ name: bandLabel(band), layer: diverging, marks: ["−1", "+1"] }];
    return { levels: [signedLevels(enlarged(signedOf(camOf(band), band.limit)))], layers: [diverging], legend };
  }
  const legend = [{ name: bandLabel(band), layer: layers[number], marks: ["0", "1"] }];
  return { levels: [heatLevels(enlarged(bands[number]))], layers: [layers[number]], legend };
}

function renderPictures() {
  const side = data.sheet.side, own = data.gray[state.frame];
  const gray = side === SIDE ? own : enlarge(own, side, SIDE, "linear").map(Math.round);
  const { levels, layers, legend } = heat();
  paint(find("plain"), blend(gray, [], [], new Uint8ClampedArray(4 * SIDE * SIDE)));
  paint(find("heat"), blend(gray, levels, layers, new Uint8ClampedArray(4 * SIDE * SIDE)));
  return legend;
}

function paint(canvas, rgba) {
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(new ImageData(rgba, SIDE, SIDE), 0, 0);
}

// The colour scales as the layers look over a dark gray, as in the exported video; redrawn only where they change.
function renderLegend(rows) {
  const shown = JSON.stringify([rows.map(({ name, marks }) => [name, marks]), state.opacity]);
  if (find("legend").dataset.shown === shown) return;
  find("legend").dataset.shown = shown;
  const nodes = [];
  for (const { name, layer, marks } of rows) {
    const bar = context2d(256, 1), ground = new Uint8Array(256).fill(24);
    const image = new ImageData(256, 1);
    blend(ground, [Uint8Array.from(ground, (_, i) => i)], [layer], image.data);
    bar.putImageData(image, 0, 0);
    nodes.push(labelled("span", name), labelled("span", marks[0], "mark"), bar.canvas, labelled("span", marks[1], "mark"));
  }
  find("legend").replaceChildren(...nodes);
  find("legend").title = word("scale_help");
}

// ---- render ----

function render() {
  if (!data) return;
  renderLegend(renderPictures());
  renderCard();
  for (const button of element.querySelectorAll("[data-view]")) press(button, button.dataset.view === state.view);
  for (const button of element.querySelectorAll("[data-sound]")) press(button, button.dataset.sound === state.sound);
  const signed = element.querySelector('[data-action="signed"]');
  signed.disabled = !(state.view in data.bands);
  press(signed, state.signed && !signed.disabled);
  press(element.querySelector('[data-action="cells"]'), state.cells);
  press(element.querySelector('[data-action="loop"]'), state.loop);
  root.classList.toggle("playing", !player().paused);
  // what panels of the page read: desk.py
  const [first, last] = state.stretch ?? ["", ""];
  Object.assign(root.dataset, { frame: state.frame, first, last, look: state.view });
  find("speed").value = state.speed;
  find("view-title").textContent = viewTitle();
  renderCursor();
}

function viewTitle() {
  if (state.view in data.bands) return bandLabel(data.bands[state.view]);
  return word(state.view === "both" && data.bands.length > 2 ? "view_all" : `view_${state.view}`);
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", String(pressed));
}

// What a band looks at in the frame, the two largest shares; in words where there is hardly anything to share.
function attentionIn(band, frame) {
  const amount = band.amount[frame];
  if (amount < HARDLY) return word(amount > 0 ? "hardly" : "none");
  return largestShares(band.shares, frame, 2).map((name) => shareIn(band, name, frame)).join(word("comma"));
}

function shareIn(band, name, frame) {
  return `${word("region_" + name)} ${Math.round(100 * (band.shares[name][frame] || 0))} %`;
}

function renderCard() {
  find("frame").textContent = state.frame;
  find("time").textContent = (state.frame / data.fps).toFixed(3);
  find("of").textContent = word("of").replace("{last}", data.frames - 1).replace("{seconds}", data.duration.toFixed(2));
  const rows = data.bands.map((band, number) => {
    const row = document.createElement("tr");
    row.append(
      labelled("td", bandLabel(band)),
      labelled("td", `${band.db[state.frame].toFixed(1)} dB`),
      labelled("td", attentionIn(band, state.frame), band.amount[state.frame] < HARDLY ? "faint" : ""),
    );
    row.firstChild.style.color = `var(--band-${number})`;
    return row;
  });
  find("numbers").replaceChildren(...rows);
  const places = data.bands.map((band) => `${band.name} ${attentionIn(band, state.frame)}`);
  const said = `${word("frame")} ${state.frame}, ${(state.frame / data.fps).toFixed(3)} ${word("seconds")}, ${places.join("; ")}`;
  find("tracks").setAttribute("aria-valuenow", state.frame);
  find("tracks").setAttribute("aria-valuetext", said);
  find("heat").setAttribute("aria-label", `${viewTitle()}. ${said}`);
  clearTimeout(speaking);
  if (player().paused) speaking = setTimeout(() => (find("spoken").textContent = said), 500);
}

let speaking = 0; // the frame is said to a screen reader once it stands still

// The size of type on the tracks, and the room left of them for their scales, in pixels.
function typeSize() {
  return parseFloat(getComputedStyle(root).fontSize) - 2;
}

function gutter() {
  return Math.round(7.6 * typeSize());
}

// Frame boundaries on the tracks, in pixels: boundary k is frame k's left edge.
function placeOf(boundary) {
  return gutter() + (boundary / data.frames) * (find("tracks").clientWidth - gutter() - MARGIN);
}

function frameUnder(event) {
  const box = find("tracks").getBoundingClientRect();
  const share = (event.clientX - box.left - gutter()) / (box.width - gutter() - MARGIN);
  return frameAt(share * data.duration, data.fps, data.frames);
}

function renderCursor() {
  const [first, last] = state.stretch ?? [0, data.frames - 1];
  const left = placeOf(first), right = placeOf(last + 1);
  find("cursor").style.transform = `translateX(${placeOf(state.frame + 0.5)}px)`;
  find("chosen").style.transform = `translateX(${left}px)`;
  find("chosen").style.width = `${right - left}px`;
  find("chosen").style.display = find("whole").style.display = state.stretch ? "" : "none";
  find("whole").style.transform = `translateX(${(left + right) / 2}px)`;
  element.querySelector('[data-handle="first"]').style.transform = `translateX(${left}px)`;
  element.querySelector('[data-handle="last"]').style.transform = `translateX(${right}px)`;
}

// ---- tracks: drawn when the clip, the size, the words or the theme change; scrubbing only moves the cursor ----

function renderTracks() {
  if (!data || !find("tracks").clientWidth) return;
  const canvas = find("lanes"), scale = window.devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = find("tracks");
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const style = getComputedStyle(root), colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const size = typeSize(), left = gutter();
  const draw = canvas.getContext("2d");
  draw.scale(scale, scale);
  draw.font = `${size}px system-ui, sans-serif`;
  draw.lineJoin = "round";
  const lanes = [];
  const two = "original" in data.sounds;
  for (const name of Object.keys(data.sounds)) lanes.push({ share: two ? 0.45 : 0.7, name, paint: paintWave, title: `wave_${name}` });
  for (const name of Object.keys(data.sounds)) lanes.push({ share: two ? 0.95 : 1.5, name, paint: paintMel, title: `mel_${name}` });
  lanes.push({ share: 0.8, paint: paintEnergy, title: "energy_track" }, { share: 1.8, paint: paintShares, title: "share_track" });
  const titles = size + 5, gap = 4, said = data.labels.length ? size + 7 : 0, ruler = 22 + said;
  const room = height - ruler - lanes.length * (titles + gap);
  const whole = lanes.reduce((sum, lane) => sum + lane.share, 0);
  let top = ruler;
  const pen = { draw, colour, size, left, width: width - left - MARGIN };
  for (const lane of lanes) {
    draw.fillStyle = colour("ink");
    text(pen, word(lane.title), left + CLEAR, top + titles / 2, "left");
    top += titles;
    const box = { ...pen, top, height: (room * lane.share) / whole };
    draw.fillStyle = colour("lane");
    draw.fillRect(box.left, box.top, box.width, box.height);
    lane.paint(box, lane.name);
    top += box.height + gap;
  }
  paintRuler(pen, 22, height);
  if (said) paintLabels(pen, 22, said, height);
  renderCursor();
}

function text({ draw }, words, x, y, align) {
  draw.textAlign = align;
  draw.textBaseline = "middle";
  draw.fillText(words, x, y);
}

// As much of the words as fits into the width.
function shortened(draw, words, width) {
  while (words.length > 2 && draw.measureText(words).width > width) words = words.slice(0, -2) + "…";
  return words;
}

// A scale's number left of a lane, kept within the lane.
function mark(box, words, y) {
  box.draw.fillStyle = box.colour("faint");
  const half = box.size / 2;
  text(box, words, box.left - 6, Math.min(box.top + box.height - half, Math.max(box.top + half, y)), "right");
}

function paintRuler({ draw, colour, size, left, width }, ruler, bottom) {
  const step = roundStep(data.duration, width / (size * 5));
  for (let k = 0; k * step < data.duration; k++) {
    const x = left + (k * step * width) / data.duration;
    draw.fillStyle = colour("faint");
    const time = `${+(k * step).toFixed(2)} ${word("seconds")}`, clear = left + width - 20; // the stretch's handle stands at the end
    if (x + CLEAR + draw.measureText(time).width < clear) text({ draw }, time, x + CLEAR, ruler / 2, "left");
    draw.fillRect(x, 4, 1, ruler - 4);
    draw.globalAlpha = 0.16;
    draw.fillRect(x, ruler, 1, bottom - ruler);
    draw.globalAlpha = 1;
  }
}

// What is said, between its borders, which run down through all lanes.
function paintLabels({ draw, colour, size, left, width }, top, height, bottom) {
  const x = (seconds) => left + (Math.min(seconds, data.duration) * width) / data.duration;
  draw.fillStyle = colour("faint");
  text({ draw }, word("labels"), left - 6, top + height / 2, "right");
  for (const [from, to, said] of data.labels) {
    if (from >= data.duration) continue;
    draw.fillStyle = colour("lane");
    draw.fillRect(x(from), top + 1, x(to) - x(from), height - 3);
    draw.fillStyle = colour("faint");
    for (const border of [from, to]) {
      draw.globalAlpha = 0.16;
      draw.fillRect(x(border), top, 1, bottom - top);
    }
    draw.globalAlpha = 1;
    draw.fillStyle = colour("ink");
    const room = x(to) - x(from) - 2;
    if (draw.measureText(said).width <= room || room > 3 * size) {
      text({ draw }, shortened(draw, said, room), (x(from) + x(to)) / 2, top + height / 2 - 1, "center");
    }
  }
}

function paintWave(box, name) {
  const { draw, colour, left, top, width, height } = box;
  const envelope = data.sounds[name].envelope, bins = envelope.length / 2;
  draw.fillStyle = colour("faint");
  for (let i = 0; i < bins; i++) {
    const y = top + (height / 2) * (1 - envelope[2 * i + 1]);
    const tall = (height / 2) * (envelope[2 * i + 1] - envelope[2 * i]);
    draw.fillRect(left + (i * width) / bins, y, Math.max(1, width / bins), Math.max(1, tall));
  }
}

function paintMel(box, name) {
  const { draw, colour, left, top, width, height } = box;
  const bins = data.mel_hz.length, edge = (bin) => top + height * (1 - bin / bins);
  draw.imageSmoothingEnabled = false;
  draw.drawImage(data.sounds[name].mel, left, top, width, height);
  for (const [number, band] of data.bands.entries()) {
    const low = edge(band.bins[0]), high = edge(band.bins[1] + 1);
    draw.fillStyle = draw.strokeStyle = ["#ffa420", "#56bef5", "#b45cff", "#ffffcc"][number];
    draw.setLineDash([5, 4]);
    draw.strokeRect(left, high, width, low - high);
    draw.setLineDash([]);
    draw.fillRect(left + width + 2, high, 4, low - high);
    draw.fillStyle = colour(`band-${number}`);
    text(box, shortened(draw, band.name, left - 8), left - 6, (low + high) / 2, "right");
  }
  for (const hz of height > 60 ? [300, 900, 2500, 5000] : [900, 2500]) {
    const bin = data.mel_hz.findIndex((centre) => centre >= hz);
    if (bin < 0) continue;
    draw.fillStyle = colour("faint");
    text(box, hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, left - 2.4 * box.size, Math.max(top + box.size / 2, edge(bin)), "right");
  }
}

function paintEnergy(box) {
  const { draw, colour, left, top, width, height } = box;
  let low = Infinity, high = -Infinity;
  for (const band of data.bands)
    for (const db of band.db) {
      low = Math.min(low, db);
      high = Math.max(high, db);
    }
  const room = Math.max(0.1 * (high - low), 0.5);
  low -= room;
  high += room;
  const step = roundStep(high - low, Math.max(1, height / (2.2 * box.size)));
  const y = (db) => top + height * (1 - (db - low) / (high - low));
  for (let db = Math.ceil(low / step) * step; db <= high; db += step) {
    mark(box, `${+db.toFixed(1)} dB`, y(db));
    draw.fillStyle = colour("line");
    draw.fillRect(left, y(db), width, 1);
  }
  for (const [number, band] of data.bands.entries()) {
    draw.strokeStyle = draw.fillStyle = colour(`band-${number}`);
    draw.lineWidth = 1.8;
    draw.beginPath();
    band.db.forEach((db, frame) => draw.lineTo(left + ((frame + 0.5) * width) / data.frames, y(db)));
    draw.stroke();
    draw.lineWidth = 1;
  }
  const labels = [bandLabel, (band) => band.name].map((say) => data.bands.map(say));
  const gap = 0.8 * box.size, wide = (names) => names.reduce((sum, name) => sum + draw.measureText(name).width + gap, 0);
  const names = wide(labels[0]) < 0.75 * width ? labels[0] : labels[1];
  let right = left + width;
  for (let number = names.length - 1; number >= 0; number--) {
    draw.fillStyle = colour(`band-${number}`);
    text(box, names[number], right, top - box.size / 2 - 2, "right");
    right -= draw.measureText(names[number]).width + gap;
  }
}

// A row for each region and what lies in none; in it a line for each band, the stronger the more of the clip's evidence
// lies there: a large share of next to nothing stays pale.
function paintShares(box) {
  const { draw, colour, left, top, width, height } = box;
  const names = Object.keys(data.bands[0].shares), row = height / names.length, line = (row - 2) / data.bands.length;
  draw.font = `${Math.min(box.size, 0.9 * row)}px system-ui, sans-serif`;
  rows = { names, top, row };
  let largest = 1e-9;
  for (const band of data.bands)
    for (const shares of Object.values(band.shares))
      shares.forEach((share, frame) => (largest = Math.max(largest, share * band.amount[frame] || 0)));
  for (const [place, name] of names.entries()) {
    draw.fillStyle = colour("faint");
    text(box, word(`region_${name}`), left - 6, top + (place + 0.5) * row, "right");
    for (const [number, band] of data.bands.entries()) {
      draw.fillStyle = colour(`band-${number}`);
      band.shares[name].forEach((share, frame) => {
        const start = Math.round((frame * width) / data.frames), end = Math.round(((frame + 1) * width) / data.frames);
        draw.globalAlpha = ((share * band.amount[frame]) / largest || 0) ** 0.7;
        draw.fillRect(left + start, top + place * row + number * line + 1, end - start, line);
      });
      draw.globalAlpha = 1;
    }
  }
  draw.font = `${box.size}px system-ui, sans-serif`;
  draw.fillStyle = colour("faint");
  text(box, word("share_scale"), left + width, top - box.size / 2 - 2, "right");
}

let rows = { names: [], top: 0, row: 1 }; // where the regions' rows are on the tracks

// Under the pointer, on the regions' rows: each band's share there.
function renderReadout(event) {
  const box = find("tracks").getBoundingClientRect(), tip = find("readout");
  const name = rows.names[Math.floor((event.clientY - box.top - rows.top) / rows.row)];
  const x = event.clientX - box.left;
  tip.hidden = !name || x < gutter();
  if (tip.hidden) return;
  const frame = frameUnder(event);
  const shares = data.bands.map((band) => `${band.name} ${Math.round(100 * (band.shares[name][frame] || 0))} %`);
  tip.textContent = `${word("region_" + name)} · ${word("frame")} ${frame} · ${shares.join(word("comma"))}`;
  tip.style.top = `${event.clientY - box.top - 30}px`;
  tip.style.left = `${Math.max(0, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
}

// ---- time: the sound is the clock ----

function player() {
  return players[state.sound];
}

function seek(frame) {
  state.frame = Math.min(data.frames - 1, Math.max(0, frame));
  state.untouched = false;
  say("");
  for (const name of Object.keys(data.sounds)) players[name].currentTime = startOf(state.frame, data.fps);
  render();
}

function follow() {
  if (!data || player().paused) return;
  const now = frameAt(player().currentTime, data.fps, data.frames);
  const [first, last] = state.stretch ?? [0, data.frames - 1];
  if (state.loop && player().currentTime >= (last + 1) / data.fps) seek(first);
  else if (now !== state.frame) {
    state.frame = now;
    render();
  }
  requestAnimationFrame(follow);
}

async function play() {
  const [first, last] = state.stretch ?? [0, data.frames - 1];
  const outside = state.stretch && (state.frame < first || state.frame > last);
  if (outside || state.untouched || state.frame === data.frames - 1) seek(first);
  player().playbackRate = state.speed;
  try {
    await player().play();
  } catch (error) {
    if (error.name !== "AbortError") throw error; // paused before the sound had begun
  }
  render();
  requestAnimationFrame(follow);
}

function pause() {
  for (const one of Object.values(players)) one.pause();
}

// Paused: the frame shown is the one at which the sound stands.
function settle() {
  if (!data) return;
  state.frame = frameAt(player().currentTime, data.fps, data.frames);
  render();
}

function ended() {
  if (state.loop) {
    seek((state.stretch ?? [0])[0]);
    play();
  } else render();
}

function choose(sound) {
  if (!(sound in data.sounds) || sound === state.sound) return;
  const playing = !player().paused, at = player().currentTime;
  pause();
  state.sound = sound;
  player().currentTime = at;
  if (playing) play();
  render();
}

function setSpeed(speed) {
  state.speed = speed;
  player().playbackRate = speed;
  render();
}

// ---- what a person does ----

function setView(view) {
  if (view === "both" && data.bands.length === 1) view = "0";
  if (!viewsOf(data.bands.length).includes(view)) return;
  state.view = view;
  render();
}

function toggle(name) {
  state[name] = !state[name];
  render();
}

function step(frames) {
  pause();
  seek(state.frame + frames);
}

// To where the strongest region of a shown band changes next; which bands count follows from the view.
function toChange(direction) {
  const shown = state.view in data.bands ? [data.bands[state.view]] : data.bands;
  const all = shown.flatMap((band) => band.changes.map((change) => ({ ...change, name: band.name })));
  const change = nextChange(all, state.frame, direction);
  if (!change) return say(word("no_change"));
  pause();
  seek(change.frame);
  const there = all.filter(({ frame }) => frame === change.frame);
  say(there.map(({ name, from, to }) => `${name}: ${word("region_" + from)} → ${word("region_" + to)}`).join(word("comma")));
}

// A line on the card until someone moves on.
function say(words) {
  find("said").textContent = words;
}

function wholeClip() {
  state.stretch = null;
  render();
}

function chooseStretch(a, b) {
  state.stretch = stretch(a, b, data.frames);
  render();
}

function snapshot() {
  const width = 1040, foot = Math.max(96, 36 * heat().legend.length + 20), context = context2d(width, 512 + foot);
  context.fillStyle = "#181818";
  context.fillRect(0, 0, width, 512 + foot);
  context.drawImage(find("heat"), 0, 0, 512, 512);
  context.drawImage(find("plain"), 528, 0, 512, 512);
  context.fillStyle = "#f0f0f0";
  context.font = "20px system-ui, sans-serif";
  text({ draw: context }, `${data.name}   ${word("frame")} ${state.frame}   ${(state.frame / data.fps).toFixed(3)} s`, 544, 540, "left");
  const bars = find("legend").querySelectorAll("canvas");
  heat().legend.forEach(({ name, marks }, row) => {
    const y = 540 + 36 * row;
    text({ draw: context }, name, 12, y, "left");
    text({ draw: context }, marks[0], 290, y, "right");
    context.drawImage(bars[row], 300, y - 9, 170, 18);
    text({ draw: context }, marks[1], 480, y, "left");
  });
  context.canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${data.name}_frame${String(state.frame).padStart(4, "0")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

const ACTIONS = {
  back: () => step(-1),
  forward: () => step(1),
  play: () => (player().paused ? play() : pause()),
  change: () => toChange(1),
  whole: wholeClip,
  loop: () => toggle("loop"),
  signed: () => toggle("signed"),
  cells: () => toggle("cells"),
  snapshot,
  fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
  help: () => find("help").showModal(),
};

const KEYS = {
  ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
  Home: () => step(-data.frames),
  End: () => step(data.frames),
  " ": ACTIONS.play,
  n: (event) => toChange(event.shiftKey ? -1 : 1),
  l: ACTIONS.loop,
  Escape: wholeClip,
  "[": () => chooseStretch(state.frame, (state.stretch ?? [0, data.frames - 1])[1]),
  "]": () => chooseStretch((state.stretch ?? [0])[0], state.frame),
  1: () => setView("0"),
  2: () => setView("1"),
  3: () => setView("2"),
  4: () => setView("3"),
  0: () => setView("both"),
  "+": () => setSpeed(nextSpeed(state.speed, 1)),
  "-": () => setSpeed(nextSpeed(state.speed, -1)),
  s: snapshot,
  f: ACTIONS.fullscreen,
  "?": ACTIONS.help,
};

document.addEventListener("keydown", (event) => {
  if (!data || event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  if (event.target.closest("input, textarea, select, [contenteditable], [role=listbox]")) return;
  if (event.key === " " && event.target.closest("button, a, video, audio, summary")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
});

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !data) return;
  if (button.dataset.view) setView(button.dataset.view);
  if (button.dataset.sound) choose(button.dataset.sound);
  if (button.dataset.action) ACTIONS[button.dataset.action]();
  if (event.detail > 0) root.focus({ preventScroll: true }); // after a click, space plays again
});

find("opacity").addEventListener("input", (event) => {
  state.opacity = event.target.value / 100;
  render();
});
find("opacity").addEventListener("pointerup", () => root.focus({ preventScroll: true }));
find("speed").addEventListener("change", (event) => {
  setSpeed(Number(event.target.value));
  root.focus({ preventScroll: true });
});
find("speed").append(...SPEEDS.map((speed) => Object.assign(labelled("option", `${speed}×`), { value: speed })));

// Drag: move through time. Shift and drag, or drag a handle: choose a stretch.
// anchor: the frame at the stretch's other end, null for moving through time. resting: where a finger first touched.
let drag = null;
find("tracks").addEventListener("pointerdown", (event) => {
  if (!data || event.button > 0 || event.target.closest("button")) return;
  const [first, last] = state.stretch ?? [0, data.frames - 1];
  const handle = event.target.dataset.handle;
  drag = { anchor: handle === "first" ? last : handle === "last" ? first : event.shiftKey ? frameUnder(event) : null };
  // A finger that goes up or down scrolls the page: it moves nothing here until it goes sideways, or is lifted.
  drag.resting = event.pointerType === "touch" && !handle ? event.clientX : null;
  find("tracks").setPointerCapture(event.pointerId);
  if (drag.resting === null) moved(event);
});
find("tracks").addEventListener("pointermove", (event) => {
  if (!data) return;
  if (drag && drag.resting !== null && Math.abs(event.clientX - drag.resting) > 8) drag.resting = null;
  if (drag && drag.resting === null) moved(event);
  if (!drag || drag.resting === null) renderReadout(event);
});
find("tracks").addEventListener("pointerup", (event) => {
  if (drag && drag.resting !== null) moved(event);
  drag = null;
});
find("tracks").addEventListener("pointercancel", () => (drag = null));
find("tracks").addEventListener("pointerleave", () => (find("readout").hidden = true));
find("tracks").addEventListener("dblclick", () => data && wholeClip());

function moved(event) {
  const frame = frameUnder(event);
  if (drag.anchor !== null) state.stretch = stretch(drag.anchor, frame, data.frames);
  seek(frame);
}

for (const one of Object.values(players)) {
  one.addEventListener("ended", ended);
  one.addEventListener("play", render);
  one.addEventListener("pause", settle);
}

// ---- the page around it ----

function redraw() {
  write();
  if (data) nameViews();
  renderTracks();
  render();
}

new ResizeObserver(renderTracks).observe(find("tracks"));
new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
watch("value", () => load(props.value));
write();
load(props.value);
