// The explorer's tracks: lanes over the clip's time, redrawn when clip, size, words or colours change. Scrubbing moves
// the cursor only.

const RULER = 22; // pixels above all lanes
const SCROLLBAR = 12; // pixels below them, while the view is a part of the clip
const NARROWEST = 6; // pixels of a frame whose borders are drawn

// What is drawn, from above to below: {title, share of the height, paint(box)}.
function lanes() {
  const heard = Object.entries(data.sounds).filter(([name]) => name === state.sound);
  const sounds = state.defence ? heard : Object.entries(data.sounds), [wave, mel] = sounds.length > 1 ? [0.45, 0.95] : [0.7, 1.5];
  const ofSounds = (kind, share, paint) =>
    sounds.map(([name, sound]) => ({ title: word(`${kind}_${name}`), share, paint: (box) => paint(box, sound, name) }));
  if (state.defence) return ofSounds("mel", mel, paintMel);
  return [
    ...(reachIsThere() ? [] : ofSounds("wave", wave, (box, { samples }) => paintWaveform(box, samples, data.duration))),
    ...ofSounds("mel", mel, paintMel),
    ...(data.bands.every(isTilt) ? [] : [{ title: word("energy_track"), share: 0.8, paint: paintEnergy }]),
    { title: word(data.bands.every(isTwoSided) ? "share_track_hz" : "share_track"), share: 1.8, paint: paintShares },
    ...reachLanes(),
    ...(Object.keys(data.regions.measures).length ? [{ title: word("measure_track"), share: 0.9, paint: paintMeasures }] : []),
  ];
}

// What runs down through all lanes: {name, paint(pen, bottom)}.
const THROUGH = [
  { name: "ruler", paint: paintRuler },
  { name: "labels", paint: paintLabels },
  { name: "remarks", paint: paintRemarks },
  { name: "silence", paint: paintSilence },
];

function timeAxis() {
  return axisOver(find("tracks"), state.view_s);
}

function renderTracks() {
  if (!data || !isShown(find("tracks"))) return;
  forgetSpectrograms();
  const pen = penOn(find("lanes"), timeAxis()), bottom = find("tracks").clientHeight - (isZoomed() ? SCROLLBAR : 0);
  const strip = RULER + labelsHeight(pen), top = strip + reachHeight();
  Object.assign(find("reach").style, { top: `${strip}px`, height: `${reachHeight()}px` });
  paintLanes(pen, sharedOut(lanes(), bottom - top, pen.size), top);
  for (const one of THROUGH) one.paint(pen, bottom);
  renderReach();
  renderCursor();
  renderScrollbar();
}

let drawing = false;

// At the next of the screen's frames, however often the view moves until then.
function renderTracksSoon() {
  if (drawing) return;
  drawing = true;
  scope.frame(() => {
    drawing = false;
    renderTracks();
  });
}

// A thin line down through all lanes.
function line({ draw, colour }, x, top, bottom) {
  draw.fillStyle = colour("faint");
  draw.globalAlpha = 0.16;
  draw.fillRect(x, top, 1, bottom - top);
  draw.globalAlpha = 1;
}

// Marks of time, and beside each the recording's own frame where the model sees it at another rate.
function paintRuler(pen, bottom) {
  const { draw, colour, size, axis } = pen, end = axis.left + axis.width - 2, { times } = data.recording;
  for (const seconds of roundMarks(axis.from, axis.to, axis.width / ((times ? 9 : 5) * size))) {
    const own = times ? ` #${ownFrameAt(seconds, times)}` : "";
    const x = placeOf(seconds, axis), time = `${+seconds.toFixed(3)} ${word("seconds")}${own}`, wide = draw.measureText(time).width;
    draw.fillStyle = colour("faint");
    const aside = [CLEAR, 4].find((pixels) => x + pixels + wide < end);
    if (aside) text(pen, time, x + aside, RULER / 2, "left");
    draw.fillRect(x, 4, 1, RULER - 4);
    line(pen, x, RULER, bottom);
  }
  paintFrames(pen);
}

// The borders of single frames, where the zoom makes them wide enough to be hit.
function paintFrames({ draw, colour, axis }) {
  const wide = axis.width / ((axis.to - axis.from) * data.fps);
  if (wide < NARROWEST) return;
  draw.fillStyle = colour("faint");
  for (let frame = Math.ceil(axis.from * data.fps); frame <= axis.to * data.fps; frame++)
    draw.fillRect(placeOf(frame / data.fps, axis), RULER - 4, 1, 4);
}

// First and last frame of which something is in view.
function framesInView() {
  const [from, to] = state.view_s;
  return [frameAt(from, data.fps, data.frames), frameAt(to - 1e-5, data.fps, data.frames)];
}

// Of the lines of labels and of remarks, where there are any.
function labelsHeight({ size }) {
  return (size + 7) * (Boolean(data.labels.length) + Boolean(data.remarks.length));
}

// What is said, between its borders.
function paintLabels(pen, bottom) {
  const { draw, colour, size, axis } = pen, height = size + 7, middle = RULER + height / 2 - 1;
  if (!data.labels.length) return;
  draw.fillStyle = colour("faint");
  text(pen, word("labels"), axis.left - 6, middle + 1, "right");
  for (const [from, to, said] of data.labels) {
    const [first, last] = [from, to].map((seconds) => placeOf(Math.min(Math.max(seconds, axis.from), axis.to), axis));
    if (last <= first) continue;
    draw.fillStyle = colour("lane");
    draw.fillRect(first, RULER + 1, last - first, height - 3);
    for (const seconds of [from, to]) if (seconds >= axis.from && seconds <= axis.to) line(pen, placeOf(seconds, axis), RULER, bottom);
    draw.fillStyle = colour("ink");
    const room = last - first - 2;
    if (draw.measureText(said).width <= room || room > 3 * size) text(pen, shortened(pen, said, room), (first + last) / 2, middle, "center");
  }
}

// Each from its moment on, as far as the next leaves room.
function paintRemarks(pen, bottom) {
  const { draw, colour, size, axis } = pen, top = RULER + labelsHeight(pen) - (size + 7), middle = top + (size + 7) / 2;
  if (!data.remarks.length) return;
  draw.fillStyle = colour("faint");
  text(pen, word("remarks"), axis.left - 6, middle, "right");
  for (const [number, [at, said]] of data.remarks.entries()) {
    if (at < axis.from || at > axis.to) continue;
    const x = placeOf(at, axis), next = placeOf(Math.min(data.remarks[number + 1]?.[0] ?? axis.to, axis.to), axis);
    line(pen, x, top, bottom);
    draw.fillStyle = colour("ink");
    draw.fillRect(x - 1, top + 2, 3, size + 2);
    if (next - x > 2 * size) text(pen, shortened(pen, said, next - x - 8), x + 5, middle, "left");
  }
}

// Where nobody speaks there is nothing to explain: hatched.
function paintSilence(pen, bottom) {
  if (state.silence) return;
  const { draw, colour, axis } = pen, top = RULER + labelsHeight(pen) + reachHeight();
  draw.save();
  draw.strokeStyle = colour("faint");
  draw.globalAlpha = 0.28;
  draw.lineWidth = 1;
  for (const run of runsOf(data.silent)) {
    const [left, right] = run.map((boundary) => placeOf(boundary / data.fps, axis));
    const from = Math.max(left, axis.left), to = Math.min(right, axis.left + axis.width);
    if (to <= from) continue;
    draw.save();
    draw.beginPath();
    draw.rect(from, top, to - from, bottom - top);
    draw.clip();
    draw.beginPath();
    for (let x = from - (bottom - top); x < to; x += 9) {
      draw.moveTo(x, bottom);
      draw.lineTo(x + (bottom - top), top);
    }
    draw.stroke();
    draw.restore();
  }
  draw.restore();
}

// How far apart the articulators are, in pixels of the model's picture.
function paintMeasures(box) {
  const { size, top, height } = box, { measures } = data.regions, names = Object.keys(measures);
  const most = Math.max(1, ...names.map((name) => measures[name].reduce((a, b) => (b > a ? b : a), 0)));
  const y = (pixels) => top + height * (1 - (0.96 * pixels) / most);
  const marks = roundMarks(0, most, Math.max(1, height / (2.2 * size)));
  for (const pixels of marks) mark(box, `${pixels} px`, y(pixels));
  for (const [number, name] of names.entries()) paintLine(box, measures[name], data.duration, y, measureColour(number));
  const said = (key) => names.map((name, number) => ({ said: word(`${key}_${name}`), colour: `measure-${number}` }));
  paintBesideTitle(box, [said("measure"), said("short")]);
}

function measureColour(number) {
  return getComputedStyle(root).getPropertyValue(`--measure-${number}`).trim();
}

function paintMel(box, { mel }, name) {
  const { draw, colour, left, top, width, height, size } = box, bins = data.mel_hz.length;
  paintSpectrogram(box, mel, data.duration);
  noteSpectrogram(box);
  const whole = ([, one]) => isWhole(one), others = (one) => !whole(one), all = [...data.bands.entries()];
  for (const [number, band] of [...all.filter(whole), ...all.filter(others)]) {
    if (band.stretch_s) {
      paintBox(box, band, number);
      continue;
    }
    if (isFollowed(band)) {
      paintFollowed(box, band, number);
      continue;
    }
    const low = top + height * (1 - band.bins[0] / bins), high = top + height * (1 - (band.bins[1] + 1) / bins);
    draw.fillStyle = draw.strokeStyle = colour(`band-${number}-on-dark`);
    draw.setLineDash([5, 4]);
    if (!isWhole(band)) draw.strokeRect(left, high, width, low - high);
    draw.setLineDash([]);
    draw.fillRect(left + width + 2, high, 4, low - high);
    if (isWhole(band)) continue;
    draw.fillStyle = colour(`band-${number}`);
    text(box, shortened(box, band.name, left - 8), left - 6, (low + high) / 2, "right");
  }
  paintFrequencies(box, data.mel_hz, 2.4 * size);
  paintFormants(box, name);
}

function paintEnergy(box) {
  const { colour, size, top, height } = box, bands = [...data.bands.entries()].filter(([, band]) => !isTilt(band));
  const all = bands.flatMap(([, { db }]) => [...db].filter(Number.isFinite));
  const [least, most] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const room = Math.max(0.1 * (most - least), 0.5), low = least - room, high = most + room;
  const y = (db) => top + height * (1 - (db - low) / (high - low));
  paintDecibels(box, roundMarks(low, high, Math.max(1, height / (2.2 * size))), y);
  for (const [number, { db }] of bands) paintLine(box, db, data.duration, y, colour(`band-${number}`));
  const names = (say) => bands.map(([number, band]) => ({ said: say(band), colour: `band-${number}` }));
  paintBesideTitle(box, [names(bandShort), names((band) => band.name)]);
}

const NARROW = new Set(["tongue_front", "tongue_back", "other_air"]); // whose names are too long beside a row

// A row for each region and what lies in none; in it a line for each band, the stronger the more of the clip's evidence
// lies there: a large share of next to nothing stays pale.
function paintShares(box) {
  const { draw, colour, axis, size, left, top, height } = box, { bands, fps } = data;
  const names = Object.keys(bands[0].shares), row = height / names.length, tall = (row - 2) / bands.length;
  rows = { names, top, row };
  draw.font = `${Math.min(size, 0.9 * row)}px system-ui, sans-serif`;
  for (const [place, name] of names.entries()) {
    draw.fillStyle = colour("faint");
    text(box, word(NARROW.has(name) ? `row_${name}` : `region_${name}`), left - 6, top + (place + 0.5) * row, "right");
  }
  draw.font = `${size}px system-ui, sans-serif`;
  const [first, last] = framesInView();
  within(box, () => {
    for (const [place, name] of names.entries())
      for (const [number, band] of bands.entries()) {
        draw.fillStyle = colour(`band-${number}`);
        for (let frame = first; frame <= last; frame++) {
          const [start, end] = [frame, frame + 1].map((boundary) => Math.round(placeOf(boundary / fps, axis)));
          draw.globalAlpha = (evidenceIn(band, name, frame) / data.mostEvidence) ** 0.7;
          draw.fillRect(start, top + place * row + number * tall + 1, end - start, tall);
        }
      }
  });
  paintBesideTitle(box, [[{ said: word("share_scale"), colour: "faint" }]]);
}

function evidenceIn(band, name, frame) {
  return band.shares[name][frame] * band.amount[frame] || 0;
}

// The most evidence of a band in one region and frame of the clip.
function mostEvidence({ bands, frames }) {
  let most = 1e-9;
  for (const band of bands)
    for (const name of Object.keys(band.shares))
      for (let frame = 0; frame < frames; frame++) most = Math.max(most, evidenceIn(band, name, frame));
  return most;
}

let rows = { names: [], top: 0, row: 1 }; // where the regions' rows are on the tracks

// Under the pointer, on the regions' rows: each band's share there.
function renderReadout(event) {
  const box = find("tracks").getBoundingClientRect(), tip = find("readout"), x = event.clientX - box.left;
  const name = rows.names[Math.floor((event.clientY - box.top - rows.top) / rows.row)];
  tip.hidden = !name || x < timeAxis().left;
  if (tip.hidden) return;
  const frame = frameUnder(event);
  const shares = isHushed(frame)
    ? [word("silence")]
    : data.bands.map((band) => `${band.name} ${Math.round(100 * (band.shares[name][frame] || 0))} %`);
  tip.textContent = `${word("region_" + name)} · ${word("frame")} ${frame} · ${shares.join(word("comma"))}`;
  tip.style.top = `${event.clientY - box.top - 30}px`;
  tip.style.left = `${Math.max(0, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
}

function renderCursor() {
  const [first, last] = bounds(), axis = timeAxis();
  const [start, end] = [first, last + 1].map((boundary) => boundary / data.fps);
  const clamped = (seconds) => placeOf(Math.min(axis.to, Math.max(axis.from, seconds)), axis);
  const put = (node, seconds) => {
    node.style.transform = `translateX(${placeOf(seconds, axis)}px)`;
    node.hidden = seconds < axis.from - 1e-6 || seconds > axis.to + 1e-6;
  };
  put(find("cursor"), (state.frame + 0.5) / data.fps);
  put(element.querySelector('[data-handle="first"]'), start);
  put(element.querySelector('[data-handle="last"]'), end);
  const left = clamped(start), right = clamped(end), chosen = state.stretch && right > left;
  find("chosen").style.transform = `translateX(${left}px)`;
  find("chosen").style.width = `${right - left}px`;
  find("chosen").hidden = find("whole").hidden = !chosen;
  find("chosen").classList.toggle("all", start <= axis.from + 1e-6 && end >= axis.to - 1e-6); // tells nothing apart
  renderKept(clamped);
  find("whole").style.transform = `translateX(${(left + right) / 2}px)`;
}

// ---- the pointer ----

function frameUnder(event) {
  const x = event.clientX - find("tracks").getBoundingClientRect().left;
  return frameAt(secondsAt(x, timeAxis()), data.fps, data.frames);
}

// Drag: move through time. Shift and drag, or drag a handle: choose a stretch.
// anchor: the frame at the stretch's other end, null for moving through time. resting: where a finger first touched.
function listenToPointer() {
  const tracks = find("tracks");
  let drag = null;
  listenToView();
  const go = (event) => {
    const frame = frameUnder(event);
    if (drag.anchor !== null) state.stretch = stretch(drag.anchor, frame, data.frames);
    seek(frame);
  };
  const on = (type, handler) => scope.listen(tracks, type, (event) => data && handler(event));
  on("pointerdown", (event) => {
    if (pinch(event)) return void (drag = null);
    if (event.button > 0 || event.target.closest("button")) return;
    const [first, last] = state.stretch ?? [0, data.frames - 1], handle = event.target.dataset.handle;
    drag = { anchor: handle === "first" ? last : handle === "last" ? first : event.shiftKey ? frameUnder(event) : null };
    // A finger that goes up or down scrolls the page: it moves nothing here until it goes sideways, or is lifted.
    drag.resting = event.pointerType === "touch" && !handle ? event.clientX : null;
    tracks.setPointerCapture(event.pointerId);
    if (drag.resting === null) go(event);
  });
  on("pointermove", (event) => {
    if (pinch(event)) return;
    if (drag && drag.resting !== null && Math.abs(event.clientX - drag.resting) > 8) drag.resting = null;
    if (drag && drag.resting === null) go(event);
    if (!drag || drag.resting === null) renderReadout(event);
  });
  on("pointerup", (event) => {
    if (pinch(event)) return void (drag = null);
    if (drag && drag.resting !== null) go(event);
    drag = null;
  });
  on("pointercancel", (event) => {
    pinch(event);
    drag = null;
  });
  on("pointerleave", () => (find("readout").hidden = true));
  on("dblclick", wholeClip);
}
