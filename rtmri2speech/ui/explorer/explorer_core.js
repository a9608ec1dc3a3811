// The frame explorer's arithmetic, without page or state, as attribution/upsampling.py and render/colour.py.

// Frame k is on screen from k/fps to (k+1)/fps seconds. The small sum absorbs rounding at a frame's very start.
function frameAt(seconds, fps, count) {
  return Math.min(count - 1, Math.max(0, Math.floor(seconds * fps + 1e-6)));
}

// Where to seek so that frame k is on screen: just past its start, as players round times.
function startOf(frame, fps) {
  return frame / fps + 1e-4;
}

function cubic(distance) {
  const a = -0.75, x = Math.abs(distance); // OpenCV's kernel
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

function linear(distance) {
  return Math.max(0, 1 - Math.abs(distance));
}

function nearest(distance) {
  return distance > -0.5 && distance <= 0.5 ? 1 : 0;
}

const KERNELS = { cubic, linear, cells: nearest };

// For each of `to` pixels, the four source pixels around it and their weights; half-pixel alignment, edges repeated.
function taps(from, to, kernel) {
  const index = new Int32Array(4 * to), weight = new Float32Array(4 * to);
  for (let i = 0; i < to; i++) {
    const centre = ((i + 0.5) * from) / to - 0.5;
    for (let k = 0; k < 4; k++) {
      const source = Math.floor(centre) - 1 + k;
      index[4 * i + k] = Math.min(from - 1, Math.max(0, source));
      weight[4 * i + k] = kernel(source - centre);
    }
  }
  return { index, weight };
}

// A square grid (from x from) -> Float32Array (to x to), kept within the grid's own range.
// Plain loops here and below: they run for every pixel of every frame shown.
function enlarge(grid, from, to, method) {
  const { index, weight } = taps(from, to, KERNELS[method]);
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < grid.length; i++) {
    if (grid[i] < low) low = grid[i];
    if (grid[i] > high) high = grid[i];
  }
  const wide = new Float32Array(from * to), out = new Float32Array(to * to);
  for (let x = 0, k = 0; x < to; x++, k += 4)
    for (let y = 0; y < from; y++) {
      const row = y * from;
      wide[y * to + x] =
        weight[k] * grid[row + index[k]] + weight[k + 1] * grid[row + index[k + 1]] +
        weight[k + 2] * grid[row + index[k + 2]] + weight[k + 3] * grid[row + index[k + 3]];
    }
  for (let y = 0, k = 0, i = 0; y < to; y++, k += 4) {
    const [a, b, c, d] = weight.subarray(k, k + 4);
    let [ra, rb, rc, rd] = index.subarray(k, k + 4).map((row) => row * to);
    for (let x = 0; x < to; x++, i++) {
      const value = a * wide[ra++] + b * wide[rb++] + c * wide[rc++] + d * wide[rd++];
      out[i] = value < low ? low : value > high ? high : value;
    }
  }
  return out;
}

// Signed CAM -> heat in [0, 1]: the positive part; `scale` is what shows as 1.
function heatOf(cam, scale) {
  return cam.map((value) => (scale > 0 ? Math.min(1, Math.max(0, value) / scale) : 0));
}

// Signed CAM -> [-1, 1]; `limit` is what shows as 1.
function signedOf(cam, limit) {
  return cam.map((value) => (limit > 0 ? Math.min(1, Math.max(-1, value / limit)) : 0));
}

// Heat in [0, 1] -> rows of a colour table; signed values in [-1, 1] -> rows of a diverging one.
function heatLevels(heat) {
  const levels = new Uint8Array(heat.length);
  for (let i = 0; i < heat.length; i++) levels[i] = heat[i] * 255 + 0.5;
  return levels;
}

function signedLevels(values) {
  const levels = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) levels[i] = (values[i] + 1) * 127.5 + 0.5;
  return levels;
}

// A colour table (256 x 3) made ready to lie over gray; `strength` of each row, 0 to 1, bends its opacity.
function makeLayer(table, alpha, strength) {
  const paint = new Uint8Array(768), keep = new Uint8Array(256);
  for (let i = 0; i < 256; i++) {
    const opacity = alpha * (1 - (1 - strength(i)) ** 2);
    for (let c = 0; c < 3; c++) paint[3 * i + c] = Math.round(table[3 * i + c] * opacity);
    keep[i] = Math.round(255 * (1 - opacity));
  }
  return { paint, keep };
}

function heatLayer(table, alpha) {
  return makeLayer(table, alpha, (i) => i / 255);
}

function divergingLayer(table, alpha) {
  return makeLayer(table, alpha, (i) => Math.abs(i / 127.5 - 1) - 1 / 255);
}

// None or some heatmaps over gray, into RGBA; of several, the hottest paints the pixel, of equals the first.
function blend(gray, levels, layers, rgba) {
  for (let i = 0, o = 0; i < gray.length; i++, o += 4) {
    rgba[o + 3] = 255;
    if (!levels.length) {
      rgba[o] = rgba[o + 1] = rgba[o + 2] = gray[i];
      continue;
    }
    let hottest = 0;
    for (let k = 1; k < levels.length; k++) if (levels[k][i] > levels[hottest][i]) hottest = k;
    const level = levels[hottest][i], { paint, keep } = layers[hottest], kept = Math.round((gray[i] * keep[level]) / 255);
    rgba[o] = kept + paint[3 * level];
    rgba[o + 1] = kept + paint[3 * level + 1];
    rgba[o + 2] = kept + paint[3 * level + 2];
  }
  return rgba;
}

// The outlines of a region in a frame, numbers[from..to], as an SVG path over a picture of side 1. Each piece is the
// number of its points and their x, y in 1 / steps of the picture.
function outlinePath(numbers, from, to, steps) {
  let path = "";
  for (let i = from; i < to; ) {
    const end = i + 1 + 2 * numbers[i];
    for (let k = i + 1; k < end; k += 2) path += `${k === i + 1 ? "M" : "L"}${numbers[k] / steps} ${numbers[k + 1] / steps}`;
    path += "Z";
    i = end;
  }
  return path;
}

// The stretches in which the values are true: [first, after the last].
function runsOf(values) {
  const runs = [];
  for (let k = 0; k < values.length; k++) {
    if (!values[k]) continue;
    if (k > 0 && values[k - 1]) runs[runs.length - 1][1] = k + 1;
    else runs.push([k, k + 1]);
  }
  return runs;
}

// What can be shown of so many bands: two side by side, all over each other, the difference of two, each, none.
// signed: whether their heat has a sign, so that one cannot lie over the other.
function viewsOf(bands, signed = false) {
  const single = Array.from({ length: bands }, (_, number) => String(number));
  const layered = bands === 1 || signed ? [] : bands === 2 ? ["both", "difference"] : ["both"];
  const together = bands === 2 ? ["each", ...layered] : layered;
  return [...together, ...single, "off"];
}

const HARDLY = 0.05; // an amount of evidence below which a frame's shares say next to nothing

// Shares of one frame -> the names of the `count` largest, the largest first; none where the frame has no evidence.
function largestShares(shares, frame, count) {
  const there = Object.keys(shares).filter((name) => shares[name][frame] > 0);
  return there.sort((a, b) => shares[b][frame] - shares[a][frame]).slice(0, count);
}

// The change after `frame` (before it: direction -1), past the end from the other end on; null where there is none.
function nextChange(found, frame, direction) {
  const inOrder = [...found].sort((a, b) => direction * (a.frame - b.frame));
  return inOrder.find((change) => direction * (change.frame - frame) > 0) ?? inOrder[0] ?? null;
}

// The frame to show first: the loudest over all bands of those with evidence for each band, where there is one.
// dbs, amounts: for each band a list of one value a frame.
function tellingFrame(dbs, amounts) {
  const sum = (frame) => dbs.reduce((total, values) => total + (Number.isFinite(values[frame]) ? values[frame] : -1000), 0);
  const frames = Array.from(dbs[0], (_, frame) => frame);
  const explained = frames.filter((frame) => amounts.every((amount) => amount[frame] >= HARDLY));
  const among = explained.length ? explained : frames;
  return among.reduce((best, frame) => (sum(frame) > sum(best) ? frame : best), among[0]);
}

// Two frames in any order -> [first, last] within the clip; null when that is the whole clip or one single frame.
function stretch(a, b, count) {
  const first = Math.max(0, Math.min(a, b)), last = Math.min(count - 1, Math.max(a, b));
  return first === last || (first === 0 && last === count - 1) ? null : [first, last];
}

const SPEEDS = [0.1, 0.2, 0.25, 0.5, 0.75, 1];

function nextSpeed(speed, direction) {
  const place = SPEEDS.indexOf(speed) + direction;
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, place))];
}

const HEARD = 0.02; // of the peak: quieter samples are pauses, which no loudness is judged by

// Root mean square of what is heard of the samples; 0 of silence.
function loudnessOf(samples) {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  let sum = 0, count = 0;
  for (const sample of samples)
    if (Math.abs(sample) > HEARD * peak) {
      sum += sample * sample;
      count += 1;
    }
  return count ? Math.sqrt(sum / count) : 0;
}

// name -> the volume, 0 to 1, at which each sound is as loud as the quietest; full volume unless `even`.
function volumesOf(loudness, even) {
  const quietest = Math.min(...Object.values(loudness).filter((one) => one > 0));
  const volume = (one) => (even && one > 0 ? quietest / one : 1);
  return Object.fromEntries(Object.entries(loudness).map(([name, one]) => [name, volume(one)]));
}
