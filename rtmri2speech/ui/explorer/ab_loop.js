// A/B loop of two intervals: A is kept, B is chosen, and the loop plays A, B, A, ...

function isIn(frame, span) {
  return span !== null && frame >= span[0] && frame <= span[1];
}

// First and last frame of what plays now: the kept stretch, the chosen one, or all.
function played() {
  return turnOf(state) ?? bounds();
}

// The stretch whose turn it is, where two take turns.
function turnOf({ kept, stretch, inKept }) {
  if (!kept || !stretch) return null;
  return inKept ? kept : stretch;
}

// Where a loop goes on from at its end: the start of the other one.
function turnRound() {
  if (state.kept && state.stretch) state.inKept = !state.inKept;
  return startOf(played()[0], data.fps);
}

// The chosen stretch is kept, so that another can be chosen. Without one it is the frame shown or, where something was
// kept, that is given up.
function keepStretch() {
  const frame = state.kept ? null : [state.frame, state.frame];
  Object.assign(state, { kept: state.stretch ?? frame, stretch: null, inKept: false });
  render();
  say(word(state.kept ? "kept" : "kept_no_more", { first: state.kept?.[0], last: state.kept?.[1] }));
}

function renderKept(clamped) {
  const node = find("kept");
  node.hidden = !state.kept;
  if (!state.kept) return;
  const [left, right] = [state.kept[0], state.kept[1] + 1].map((boundary) => clamped(boundary / data.fps));
  node.style.transform = `translateX(${left}px)`;
  node.style.width = `${right - left}px`;
}
