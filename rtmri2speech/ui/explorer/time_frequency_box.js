// A time-frequency box on a spectrogram requests its maps: Alt and drag, or any drag while state.drawing is on.

let spectrograms = []; // where they are drawn: {left, top, width, height}

function forgetSpectrograms() {
  spectrograms = [];
}

function noteSpectrogram({ left, top, width, height }) {
  spectrograms.push({ left, top, width, height });
}

// A box that is there already; of a contrast both, A and B.
function paintBox(box, { stretch_s, than_s, bins: [lowest, highest] }, number) {
  const { draw, colour, size, top, height, axis } = box, bins = data.mel_hz.length;
  const [low, high] = [lowest, highest + 1].map((bin) => top + height * (1 - bin / bins));
  draw.strokeStyle = draw.fillStyle = colour(`band-${number}-on-dark`);
  draw.lineWidth = 2;
  within(box, () => {
    for (const [name, span] of than_s ? [["A", stretch_s], ["B", than_s]] : [["", stretch_s]]) {
      const [left, right] = span.map((seconds) => placeOf(seconds, axis));
      draw.setLineDash(name === "B" ? [4, 3] : []);
      draw.strokeRect(left + 1, high + 1, right - left - 2, low - high - 2);
      if (right - left > size) text(box, name, (left + right) / 2, high + size, "center");
    }
  });
  draw.setLineDash([]);
  draw.lineWidth = 1;
}

// Two corners {x, y} on a spectrogram -> {from_s, to_s, low_hz, high_hz}: whole bins, the times as they are.
function boxBetween(one, other, lane, axis, mel_hz) {
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const xs = [one.x, other.x].map((x) => within(x, lane.left, lane.left + lane.width)).sort((a, b) => a - b);
  const ys = [one.y, other.y].map((y) => within(y, lane.top, lane.top + lane.height)).sort((a, b) => b - a);
  const [from_s, to_s] = xs.map((x) => +secondsAt(x, axis).toFixed(3));
  const bins = ys.map((y) => within(Math.floor((1 - (y - lane.top) / lane.height) * mel_hz.length), 0, mel_hz.length - 1));
  return { from_s, to_s, low_hz: Math.floor(mel_hz[bins[0]]), high_hz: Math.ceil(mel_hz[bins[1]]) };
}

// Whether a plain drag draws: for fingers, and for whoever has no hand free for Alt.
function setDrawing(on) {
  state.drawing = on;
  root.classList.toggle("drawing", on);
  press(element.querySelector('[data-action="drawing"]'), on);
  if (on) tell(word("draw_now"));
}

function listenToBoxes() {
  const tracks = find("tracks"), shape = document.createElement("div");
  shape.className = "drawn-box";
  shape.hidden = true;
  tracks.append(shape);
  let drawn = null;
  const place = (event) => {
    const { left, top } = tracks.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const draw = ({ from, to }) => {
    const [left, top] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
    const [width, height] = [Math.abs(from.x - to.x), Math.abs(from.y - to.y)];
    Object.assign(shape.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  };
  // Before the tracks' own listener, which would move through time.
  const on = (type, handler) => scope.listen(tracks, type, (event) => data && handler(event), { capture: true });
  on("pointerdown", (event) => {
    if (drawn) return event.stopImmediatePropagation(); // another finger
    const from = place(event), { x, y } = from;
    const lane = spectrograms.find(({ left, top, width, height }) => x >= left && x <= left + width && y >= top && y <= top + height);
    if (!(event.altKey || state.drawing) || !event.isPrimary || event.button > 0 || !lane) return;
    event.stopImmediatePropagation();
    tracks.setPointerCapture(event.pointerId);
    drawn = { lane, from, to: from };
    draw(drawn);
    shape.hidden = false;
  });
  on("pointermove", (event) => {
    if (!drawn) return;
    event.stopImmediatePropagation();
    drawn.to = place(event);
    draw(drawn);
  });
  on("pointerup", (event) => {
    if (!drawn) return;
    event.stopImmediatePropagation();
    const { lane, from, to } = drawn;
    drawn = null;
    shape.hidden = true;
    if (Math.abs(from.x - to.x) < 3 || Math.abs(from.y - to.y) < 3) return tell(word("box_empty")); // a click
    setDrawing(false);
    askForBox(boxBetween(from, to, lane, timeAxis(), data.mel_hz));
  });
  on("pointercancel", () => {
    drawn = null;
    shape.hidden = true;
  });
}
