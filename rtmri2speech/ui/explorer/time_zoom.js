// The visible time of the tracks: state.view_s, [from, to] in seconds. Zoom, scroll, and follow the frame.

const ZOOM_STEP = 1.5; // by key or button
const FEWEST = 6; // frames that fill the tracks at the strongest zoom

// The span [from, to] moved, not stretched, so that it lies within 0 to `duration`.
function moveWithin([from, to], duration) {
  const span = Math.min(to - from, duration), start = Math.min(Math.max(0, from), duration - span);
  return [start, start + span];
}

// Magnified by a factor, the moment `at` staying where it is; no closer than `least` seconds, no wider than all.
function zoomed([from, to], factor, at, least, duration) {
  const span = Math.min(duration, Math.max(Math.min(least, duration), (to - from) / factor));
  const start = at - ((at - from) / (to - from)) * span;
  return moveWithin([start, start + span], duration);
}

// Moved on, like a page that is turned, if the moment from `begin` to `end` is not in view; else the same.
function turnedTo([from, to], begin, end, duration) {
  const tenth = (to - from) / 10, near = 1e-9;
  if (begin >= from - near && end <= to + near) return [from, to];
  const start = end > to ? begin - tenth : end + tenth - (to - from);
  return moveWithin([start, start + to - from], duration);
}

// ---- on the page ----

function isZoomed() {
  const [from, to] = state.view_s;
  return to - from < data.duration - 1e-6;
}

function setViewOfTime(span) {
  state.view_s = span;
  renderTracksSoon();
  writeLinkSoon();
}

function zoom(factor, at = (state.frame + 0.5) / data.fps) {
  const [from, to] = state.view_s, middle = (from + to) / 2;
  setViewOfTime(zoomed(state.view_s, factor, at < from || at > to ? middle : at, FEWEST / data.fps, data.duration));
}

function scrollBy(seconds) {
  setViewOfTime(moveWithin(state.view_s.map((edge) => edge + seconds), data.duration));
}

// By whole views, less a tenth: a page on.
function turnPage(direction) {
  const [from, to] = state.view_s;
  scrollBy(direction * 0.9 * (to - from));
}

// The stretch fills the view; where it does already, or where there is none: all of the clip.
function fitView() {
  const all = [0, data.duration];
  if (!state.stretch) return setViewOfTime(all);
  const [first, last] = state.stretch, length = last + 1 - first, least = Math.min(data.frames, FEWEST);
  const middle = (first + last + 1) / 2, half = Math.max(length, least) / 2;
  const span = moveWithin([(middle - half) / data.fps, (middle + half) / data.fps], data.duration);
  const there = span.every((edge, k) => Math.abs(edge - state.view_s[k]) < 1e-6);
  setViewOfTime(there ? all : span);
}

function followFrame() {
  const span = turnedTo(state.view_s, state.frame / data.fps, (state.frame + 1) / data.fps, data.duration);
  if (span[0] !== state.view_s[0]) setViewOfTime(span);
}

// Ctrl or Cmd and the wheel (what a trackpad's pinch is, too) zooms about the pointer; Shift and the wheel, or a wheel
// that goes sideways, scrolls. The wheel alone is the page's.
function turnWheel(event) {
  if (!data) return;
  const axis = timeAxis(), lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    const x = event.clientX - find("tracks").getBoundingClientRect().left;
    const at = Math.min(axis.to, Math.max(axis.from, secondsAt(x, axis)));
    zoom(Math.exp((-event.deltaY * lines) / 240), at);
    return;
  }
  const sideways = (event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX) * lines;
  if (!isZoomed() || Math.abs(sideways) <= (event.shiftKey ? 0 : Math.abs(event.deltaY))) return;
  event.preventDefault();
  scrollBy((sideways / axis.width) * (axis.to - axis.from));
}

// Two fingers: their distance zooms, their middle scrolls. Gives whether the event was part of it.
const fingers = new Map();

function pinch(event) {
  if (event.pointerType !== "touch") return false;
  const x = event.clientX - find("tracks").getBoundingClientRect().left;
  if (event.type === "pointerdown") fingers.set(event.pointerId, x);
  if (event.type === "pointerup" || event.type === "pointercancel") return fingers.delete(event.pointerId) && fingers.size > 0;
  if (event.type !== "pointermove" || fingers.size !== 2 || !fingers.has(event.pointerId)) return fingers.size > 1;
  const axis = timeAxis(), [a, b] = fingers.values();
  fingers.set(event.pointerId, x);
  const [c, d] = fingers.values(), [before, now] = [Math.abs(a - b), Math.abs(c - d)];
  if (before > 8 && now > 8) zoom(now / before, secondsAt((a + b) / 2, axis));
  scrollBy((((a + b) / 2 - (c + d) / 2) / axis.width) * (state.view_s[1] - state.view_s[0]));
  return true;
}

// The bar below the lanes: where the view lies in the clip. Dragged, it scrolls.
function renderScrollbar() {
  const bar = find("scrollbar"), { left, width } = timeAxis(), [from, to] = state.view_s;
  bar.hidden = !isZoomed();
  Object.assign(bar.style, { left: `${left}px`, width: `${width}px` });
  const [start, length] = [from, to - from].map((seconds) => (100 * seconds) / data.duration);
  Object.assign(bar.firstElementChild.style, { left: `${start}%`, width: `${length}%` });
}

function listenToView() {
  const bar = find("scrollbar");
  scope.listen(find("tracks"), "wheel", turnWheel, { passive: false });
  scope.listen(bar, "pointerdown", (event) => {
    event.stopPropagation(); // the tracks would seek
    bar.setPointerCapture(event.pointerId);
    const box = bar.getBoundingClientRect(), at = ((event.clientX - box.left) / box.width) * data.duration;
    const [from, to] = state.view_s;
    if (at < from || at > to) scrollBy(at - (from + to) / 2);
  });
  scope.listen(bar, "pointermove", (event) => {
    if (bar.hasPointerCapture(event.pointerId)) scrollBy((event.movementX / bar.clientWidth) * data.duration);
  });
}
