// Temporal attribution: of the frame at the cursor a strip under the time axis and a sentence; of all frames a lane.
// Switching it on requests the shares of all frames (ui/temporal_requests.py).

const STRIP = 11; // pixels a band

// {of, far, bands: [{name, shares: Float32Array, pairs: Uint8Array, most}]}: of each frame 2 * far + 3 shares; of all
// pairs of frames the levels of a picture, and the share of the brightest (payload.py)
let reached = null;
let reachAskedOf = ""; // for what it was asked last

// What the shares are of: the clip and its bands, without boxes.
function reachOf({ name, frames, bands }) {
  const lasting = bands.filter((band) => !band.stretch_s && !isFollowed(band));
  return JSON.stringify([name, frames, lasting.map((band) => [band.name, band.low_hz, band.high_hz])]);
}

function reachIsThere() {
  return state.reach && !state.defence && reached !== null && reached.of === reachOf(data);
}

function reachHeight() {
  return reachIsThere() ? STRIP * reached.bands.length + 4 : 0;
}

function toggleReach() {
  state.reach = !state.reach;
  render();
  renderTracks();
}

// Asks the page, once for each clip and its bands.
function askReach() {
  const of = reachOf(data);
  if (!state.reach || data.whole || reachIsThere() || reachAskedOf === of) return;
  reachAskedOf = of;
  request("#reach-asked");
}

function takeReach({ detail }) {
  if (!detail) {
    state.reach = false; // why is said already
    reachAskedOf = "";
  } else {
    const bands = detail.bands.map(({ name, shares, pairs, most }) => ({ name, shares: floatsOf(shares), pairs: bytesOf(pairs), most }));
    reached = { of: reachOf(detail), far: detail.far, bands }; // perhaps of a clip that is no longer shown
  }
  if (!data) return;
  render();
  renderTracks();
}

// Shares of a frame: of all that is earlier than `far` frames before, of each of those from -far to far, of all later.
function sharesAt(shares, frame, far) {
  const row = [...shares.slice(frame * (2 * far + 3), (frame + 1) * (2 * far + 3))];
  return { earlier: row[0], near: row.slice(1, -1), later: row[row.length - 1] };
}

// The same in four parts, per cent: the frame and its two neighbours, before them, after them, and beyond.
function partsOf({ earlier, near, later }) {
  const far = (near.length - 1) / 2, sum = (from, to) => near.slice(far + from, far + to + 1).reduce((a, b) => a + b, 0);
  const parts = { own: sum(-1, 1), before: sum(-far, -2), after: sum(2, far), beyond: earlier + later };
  return Object.fromEntries(Object.entries(parts).map(([name, share]) => [name, Math.round(100 * share)]));
}

function renderReach() {
  askReach();
  const node = find("reach"), said = find("reach-said"), there = reachIsThere();
  node.hidden = !there;
  said.hidden = !state.reach || state.defence;
  if (!there) return void (said.textContent = word(data.whole ? "reach_growing" : "reach_waiting"));
  sayReach(said);
  const pen = penOn(find("reach-cells"), timeAxis()), { draw, colour, axis, size } = pen;
  draw.fillStyle = colour("faint");
  draw.font = `${Math.min(size, STRIP)}px system-ui, sans-serif`;
  text(pen, shortened(pen, word("reach_strip"), axis.left - 10), axis.left - 6, (STRIP * reached.bands.length) / 2, "right");
  for (const [row, band] of reached.bands.entries()) paintReach(pen, band, row * STRIP);
}

function paintReach(pen, band, top) {
  const { draw, colour, axis } = pen, { frame } = state, { far } = reached;
  const hue = colour(`band-${data.bands.findIndex(({ name }) => name === band.name)}`);
  draw.fillStyle = colour("lane");
  draw.fillRect(axis.left, top, axis.width, STRIP - 1);
  if (data.silent[frame]) return;
  const { earlier, near, later } = sharesAt(band.shares, frame, far), most = Math.max(...near, 1e-9);
  const x = (lag) => Math.min(Math.max(placeOf((frame + lag) / data.fps, axis), axis.left), axis.left + axis.width);
  draw.fillStyle = hue;
  for (const [place, share] of near.entries()) {
    const [left, right] = [x(place - far), x(place - far + 1)];
    draw.globalAlpha = (share / most) ** 0.7;
    draw.fillRect(left, top, right - left, STRIP - 1);
  }
  draw.globalAlpha = 1;
  draw.fillStyle = colour("ink");
  const middle = top + (STRIP - 1) / 2, percent = (share) => `${Math.round(100 * share)} %`;
  const [before, after] = [`◂ ${percent(earlier)}`, `${percent(later)} ▸`];
  if (frame > far && x(-far) - axis.left > draw.measureText(before).width + 6) text(pen, before, x(-far) - 4, middle, "right");
  if (frame + far < data.frames - 1 && axis.left + axis.width - x(far + 1) > draw.measureText(after).width + 6)
    text(pen, after, x(far + 1) + 4, middle, "left");
}

function sayReach(said) {
  if (data.silent[state.frame]) return void (said.textContent = word("silence"));
  const seconds = (reached.far / data.fps).toFixed(1);
  const told = reached.bands.map(({ name, shares }) => {
    const mark = labelled("b", name), number = data.bands.findIndex((band) => band.name === name);
    mark.style.color = `var(--band-${number})`;
    return [mark, " " + word("reach_said", { seconds, later: seconds, ...partsOf(sharesAt(shares, state.frame, reached.far)) }) + " "];
  });
  said.replaceChildren(...told.flat());
}

// What of the picture of all pairs is in view, as drawImage takes it: both its axes are time, the vertical one upwards.
function pairsInView({ from, to }, fps, frames) {
  return [from * fps, frames - to * fps, (to - from) * fps, (to - from) * fps];
}

// The lane of all pairs, of the band that is looked at, or else the first.
function reachLanes() {
  if (!reachIsThere()) return [];
  const band = reached.bands.find(({ name }) => name === data.bands[state.view]?.name) ?? reached.bands[0];
  return [{ title: word("reach_pairs", { name: band.name }), share: 1.6, paint: (box) => paintPairs(box, band) }];
}

function paintPairs(box, { pairs, most }) {
  const { draw, axis, left, top, width, height, size } = box, picture = pictureOf(pairs, data.frames, data.tables.one);
  draw.imageSmoothingEnabled = false;
  draw.drawImage(picture, ...pairsInView(axis, data.fps, data.frames), left, top, width, height);
  const y = (seconds) => top + height * (1 - (seconds - axis.from) / (axis.to - axis.from));
  for (const seconds of roundMarks(axis.from, axis.to, Math.max(1, height / (2.2 * size))))
    mark(box, `${+seconds.toFixed(3)} ${word("seconds")}`, y(seconds));
  paintBesideTitle(box, [[{ said: word("reach_most", { most: Math.round(100 * most) }), colour: "faint" }]]);
}

function listenToReach() {
  scope.listen(root, "reach-found", takeReach);
}
