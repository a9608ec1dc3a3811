// Lanes over one time axis, one below the other on one canvas. Shared by the explorer and the A/B player.
// A time axis is {from, to, left, width}: seconds over pixels. A lane is {title, height, paint(box)}; a pen is
// {draw, colour, size, axis} and a box is a pen with the lane's {left, top, width, height} and `room`, the pixels that
// its title leaves free on its line.

const MARGIN = 10; // pixels right of the lanes
const CLEAR = 9; // pixels from the lanes' left edge to their words: the cursor at the very start stands between
const GAP = 4; // pixels between two lanes

function placeOf(seconds, { from, to, left, width }) {
  return left + ((seconds - from) / (to - from)) * width;
}

function secondsAt(x, { from, to, left, width }) {
  return from + ((x - left) / width) * (to - from);
}

// The distance between round marks on an axis, so that about `count` of them fit.
function roundStep(span, count) {
  const rough = span / count, unit = 10 ** Math.floor(Math.log10(rough));
  return unit * [1, 2, 5, 10].find((multiple) => multiple * unit >= rough);
}

// The round marks from `low` to `high`, about `count` of them.
function roundMarks(low, high, count) {
  const step = roundStep(high - low, count), first = Math.ceil(low / step - 1e-9);
  const marks = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, marks) }, (_, k) => (first + k) * step);
}

// Where a frequency lies among the bins' centres, as a fraction of the picture's height from below; null beyond them.
function heightOf(hz, bins_hz) {
  const above = bins_hz.findIndex((one) => one >= hz);
  if (above < 1) return null;
  const bin = above - (bins_hz[above] - hz) / (bins_hz[above] - bins_hz[above - 1]);
  return (bin + 0.5) / bins_hz.length;
}

// ---- the canvas ----

function typeSize(node) {
  return parseFloat(getComputedStyle(node).fontSize) - 2;
}

// The time axis over the node's width; left of it is room for scales.
function axisOver(node, [from, to]) {
  const left = Math.round(7.6 * typeSize(node));
  return { from, to, left, width: node.clientWidth - left - MARGIN };
}

function titleHeight(size) {
  return size + 5;
}

// A pen on the canvas, which is made as large as its parent, in sharp pixels.
function penOn(canvas, axis) {
  const node = canvas.parentElement, { clientWidth: width, clientHeight: height } = node, scale = window.devicePixelRatio;
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const style = getComputedStyle(node), size = typeSize(node), draw = canvas.getContext("2d");
  draw.scale(scale, scale);
  draw.font = `${size}px system-ui, sans-serif`;
  draw.lineJoin = "round";
  return { draw, colour: (name) => style.getPropertyValue(`--${name}`).trim(), size, axis };
}

// Heights for lanes with a .share of the room that so many pixels leave below their titles.
function sharedOut(lanes, pixels, size) {
  const room = pixels - lanes.length * (titleHeight(size) + GAP), whole = lanes.reduce((sum, { share }) => sum + share, 0);
  return lanes.map((lane) => ({ ...lane, height: (room * lane.share) / whole }));
}

function heightOfAll(lanes, size) {
  return lanes.reduce((sum, { height }) => sum + titleHeight(size) + height + GAP, 0);
}

function paintLanes(pen, lanes, top) {
  const { draw, colour, size, axis } = pen;
  for (const lane of lanes) {
    draw.fillStyle = colour("ink");
    text(pen, lane.title, axis.left + CLEAR, top + titleHeight(size) / 2, "left");
    const room = axis.width - CLEAR - draw.measureText(lane.title).width - size;
    top += titleHeight(size);
    const box = { ...pen, left: axis.left, top, width: axis.width, height: lane.height, room };
    draw.fillStyle = colour("lane");
    draw.fillRect(box.left, box.top, box.width, box.height);
    lane.paint(box);
    top += lane.height + GAP;
  }
}

// ---- words and scales ----

function text({ draw }, words, x, y, align) {
  draw.textAlign = align;
  draw.textBaseline = "middle";
  draw.fillText(words, x, y);
}

// As much of the words as fits into the width.
function shortened({ draw }, words, width) {
  while (words.length > 2 && draw.measureText(words).width > width) words = words.slice(0, -2) + "…";
  return words;
}

// A number of a lane's scale, kept within the lane, `aside` pixels left of it.
function mark(box, words, y, aside = 6) {
  box.draw.fillStyle = box.colour("faint");
  text(box, words, box.left - aside, keptWithin(box, y), "right");
}

// Where a line of words at y is written so that all of it lies in the lane.
function keptWithin({ top, height, size }, y) {
  return Math.min(top + height - size / 2, Math.max(top + size / 2, y));
}

// Marks of an axis in dB, and a line at each.
function paintDecibels(box, marks, y) {
  for (const db of marks) {
    mark(box, `${+db.toFixed(1)} dB`.replace("-", "−"), y(db));
    box.draw.fillStyle = box.colour("line");
    box.draw.fillRect(box.left, y(db), box.width, 1);
  }
}

const MARKS_HZ = [900, 2500, 300, 5000]; // the most telling first

// The frequencies left of a spectrogram, each at its height, as many as there is room for.
function paintFrequencies(box, bins_hz, aside = 8) {
  const told = [];
  for (const hz of MARKS_HZ) {
    const height = heightOf(hz, bins_hz), y = keptWithin(box, box.top + box.height * (1 - height));
    if (height === null || told.some((other) => Math.abs(other - y) < box.size + 1)) continue;
    mark(box, hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, y, aside);
    told.push(y);
  }
}

// ---- what a lane shows ----

// Paints within the lane alone: what lies before and after the axis is cut off.
function within({ draw, left, top, width, height }, paint) {
  draw.save();
  draw.beginPath();
  draw.rect(left, top, width, height);
  draw.clip();
  paint();
  draw.restore();
}

// A picture of `duration` seconds from left to right, one column a frame.
function paintSpectrogram({ draw, axis, left, top, width, height }, picture, duration) {
  const column = (seconds) => (seconds / duration) * picture.width;
  draw.imageSmoothingEnabled = false;
  draw.drawImage(picture, column(axis.from), 0, column(axis.to) - column(axis.from), picture.height, left, top, width, height);
}

// The lowest and highest of the samples from `first` to `last` in each of `bins` equal stretches: [low, high, low, ...].
// Samples may be fewer than bins: then each shows in several.
function envelopeOf(samples, first, last, bins) {
  const envelope = new Float32Array(2 * bins);
  for (let bin = 0; bin < bins; bin++) {
    const start = Math.max(0, Math.floor(first + ((last - first) * bin) / bins));
    const end = Math.min(samples.length, Math.max(start + 1, Math.floor(first + ((last - first) * (bin + 1)) / bins)));
    let low = Infinity, high = -Infinity;
    for (let k = start; k < end; k++) {
      if (samples[k] < low) low = samples[k];
      if (samples[k] > high) high = samples[k];
    }
    envelope[2 * bin] = start < end ? low : 0;
    envelope[2 * bin + 1] = start < end ? high : 0;
  }
  return envelope;
}

const peaks = new WeakMap(); // of samples, the largest magnitude: looked for once

function peakOf(samples) {
  if (!peaks.has(samples)) peaks.set(samples, samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1));
  return peaks.get(samples);
}

// Samples of `duration` seconds, as loud as the lane is high.
function paintWaveform({ draw, colour, axis, left, top, width, height }, samples, duration) {
  const [first, last] = [axis.from, axis.to].map((seconds) => (seconds / duration) * samples.length);
  const bins = Math.max(1, Math.round(width)), wide = width / bins, middle = top + height / 2;
  const envelope = envelopeOf(samples, first, last, bins), scale = height / 2 / peakOf(samples);
  draw.fillStyle = colour("faint");
  for (let bin = 0; bin < bins; bin++) {
    const low = envelope[2 * bin] * scale, high = envelope[2 * bin + 1] * scale;
    draw.fillRect(left + bin * wide, middle - high, wide, Math.max(1, high - low));
  }
}

// One value a frame, each in the middle of its frame.
function paintLine(box, values, duration, y, colour) {
  const { draw, axis } = box;
  within(box, () => {
    draw.strokeStyle = colour;
    draw.lineWidth = 1.8;
    draw.lineCap = "round"; // a value between two that are missing is a dot
    draw.beginPath();
    let goesOn = false;
    values.forEach((value, frame) => {
      const point = [placeOf(((frame + 0.5) * duration) / values.length, axis), y(value)];
      if (Number.isFinite(value) && !goesOn) draw.moveTo(...point);
      goesOn = Number.isFinite(value);
      if (goesOn) draw.lineTo(...point);
    });
    draw.stroke();
  });
}

// Words at the right end of the title's line, each {said, colour}; the first of the choices that the title leaves room for.
function paintBesideTitle(box, choices) {
  const { draw, colour, size, left, top, width, room } = box, gap = 0.8 * size;
  const wide = (words) => words.reduce((sum, { said }) => sum + draw.measureText(said).width + gap, 0);
  const words = choices.find((words) => wide(words) <= room);
  let right = left + width;
  for (const one of [...(words ?? [])].reverse()) {
    draw.fillStyle = colour(one.colour);
    text(box, one.said, right, top - titleHeight(size) / 2, "right");
    right -= draw.measureText(one.said).width + gap;
  }
}
