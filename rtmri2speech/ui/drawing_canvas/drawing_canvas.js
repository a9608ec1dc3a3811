// The drawing canvas: regions chosen or drawn over the explorer's frame.
// props: value: [width, height] of the clip; regions: names on offer, which move: the canvas shows the explorer's
// outlines of its frame. Drawn polygons are static; their coordinates are x and y from 0 to 1 over the clip's picture.

const root = element.querySelector(".board");
const canvas = find("canvas");
const SIDE = 512, STEP = 0.02, NEAR = 0.03;

const state = {
  regions: [],
  own: [[]], // polygons drawn; the last one is being drawn
  at: [0.5, 0.5], // the keyboard's crosshair
  keys: false, // whether the crosshair shows
};

function setting(name) {
  return Number(root.querySelector(`[data-set="${name}"]`).value);
}

// The radio buttons of each board are a group of their own: each has its form.
function chosen(name) {
  return root.querySelector(`input[name="${name}"]:checked`).value;
}

// All that is chosen or drawn, as paths over the square picture.
function shapes() {
  const named = state.regions.flatMap((name) => {
    const path = document.querySelector(`#explorer [data-name="heat-outlines"] [data-region="${name}"]`);
    return path ? [new Path2D(path.getAttribute("d"))] : [];
  });
  const whole = named.map((path) => {
    const scaled = new Path2D();
    scaled.addPath(path, new DOMMatrix().scale(SIDE));
    return scaled;
  });
  return [...whole, ...state.own.filter((corners) => corners.length > 2).map((corners) => traced(corners, true))];
}

// ---- words ----

function write() {
  writeWords();
  const names = props.regions.map((name) => {
    const label = document.createElement("label"), box = document.createElement("input");
    Object.assign(box, { type: "checkbox", value: name, checked: state.regions.includes(name) });
    box.dataset.region = name;
    label.append(box, word(`hide_region_${name}`));
    return label;
  });
  find("names").replaceChildren(...names);
  render();
}

// ---- the picture ----

// The clip's picture lies in the middle of the explorer's square one.
function area() {
  const [width, height] = props.value ?? [1, 1], side = Math.max(width, height);
  const across = (SIDE * width) / side, down = (SIDE * height) / side;
  return { left: (SIDE - across) / 2, top: (SIDE - down) / 2, across, down };
}

function traced(corners, closed) {
  const { left, top, across, down } = area(), path = new Path2D();
  for (const [x, y] of corners) path.lineTo(left + x * across, top + y * down);
  if (closed) path.closePath();
  return path;
}

function render() {
  root.hidden = !props.value;
  find("waiting").hidden = !root.hidden;
  if (!isShown(canvas)) return; // no clip yet, or the panel is closed
  const draw = canvas.getContext("2d");
  draw.fillStyle = "#000";
  draw.fillRect(0, 0, SIDE, SIDE);
  const frame = document.querySelector('#explorer canvas[data-name="plain"]');
  if (frame) draw.drawImage(frame, 0, 0, SIDE, SIDE);
  const covered = shapes();
  const cover = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE }), paint = cover.getContext("2d");
  paint.fillStyle = chosen("manner") === "dark" ? "#000" : "#2b6cb0";
  for (const shape of covered) paint.fill(shape);
  draw.globalAlpha = (chosen("manner") === "dark" ? 1 : 0.6) * (setting("strength") / 100);
  draw.drawImage(cover, 0, 0);
  draw.globalAlpha = 1;
  draw.lineJoin = "round";
  for (const [style, width] of [["#000", 5], ["#ffe13c", 2.5]]) {
    Object.assign(draw, { strokeStyle: style, lineWidth: width });
    for (const shape of covered) draw.stroke(shape);
    const drawing = state.own.at(-1);
    if (drawing.length < 3) draw.stroke(traced(drawing, false));
  }
  const { left, top, across, down } = area();
  draw.fillStyle = "#ffe13c";
  const drawing = state.own.at(-1);
  if (drawing.length < 40) for (const [x, y] of drawing) draw.fillRect(left + x * across - 4, top + y * down - 4, 8, 8);
  if (state.keys) {
    const [x, y] = [left + state.at[0] * across, top + state.at[1] * down];
    draw.fillStyle = "#ff3d5a";
    draw.fillRect(x - 14, y - 1, 28, 2);
    draw.fillRect(x - 1, y - 14, 2, 28);
  }
  renderSettings();
}

function renderSettings() {
  for (const input of root.querySelectorAll("[data-set][type=range]")) {
    input.nextElementSibling.textContent = `${input.value} %`;
  }
  const drawn = state.own.filter((corners) => corners.length > 2).length, corners = state.own.at(-1).length;
  find("corners").textContent = word("hide_corners", { shapes: drawn, corners });
  root.querySelector('[data-action="undo"]').disabled = !corners && state.own.length < 2;
  root.querySelector('[data-action="next"]').disabled = corners < 3;
  root.querySelector('[data-action="clear"]').disabled = !corners && state.own.length < 2;
  const { first, last } = document.querySelector("#explorer .explorer")?.dataset ?? {};
  const [whole, part] = ["clip", "stretch"].map((where) => root.querySelector(`input[value="${where}"]`));
  part.disabled = !first;
  if (part.disabled && part.checked) whole.checked = true;
  find("stretch").textContent = first ? `${first}–${last}` : word("hide_no_stretch");
  root.dataset.hiding = JSON.stringify({
    regions: state.regions,
    own: state.own.filter((shape) => shape.length > 2),
    manner: chosen("manner"),
    strength: setting("strength") / 100,
    where: chosen("where"),
  });
}

// ---- drawing: click for corners, drag for a free outline ----

function under(event) {
  const box = canvas.getBoundingClientRect(), { left, top, across, down } = area();
  const place = (value, size, from, span) => Math.min(1, Math.max(0, ((value / size) * SIDE - from) / span));
  return [
    place(event.clientX - box.left, box.width, left, across),
    place(event.clientY - box.top, box.height, top, down),
  ];
}

function near([x, y], [u, v]) {
  return Math.hypot(x - u, y - v) < NEAR;
}

let drag = null; // {corner: the corner being moved} or {free: whether an outline has begun, from: where it was pressed}

scope.listen(canvas, "pointerdown", (event) => {
  if (event.button > 0) return;
  canvas.setPointerCapture(event.pointerId);
  state.keys = false;
  const place = under(event), corner = state.own.at(-1).findIndex((other) => near(other, place));
  drag = corner >= 0 ? { corner } : { from: place, free: false };
});
scope.listen(canvas, "pointermove", (event) => {
  if (!drag) return;
  const place = under(event);
  if ("corner" in drag) state.own.at(-1)[drag.corner] = place;
  else if (drag.free) {
    const outline = state.own.at(-1);
    if (Math.hypot(place[0] - outline.at(-1)[0], place[1] - outline.at(-1)[1]) > 0.01) outline.push(place);
  } else if (!near(place, drag.from)) {
    if (state.own.at(-1).length) state.own.push([]);
    state.own.at(-1).push(drag.from, place);
    drag.free = true;
  }
  render();
});
scope.listen(canvas, "pointerup", () => {
  if (drag?.from && !drag.free) state.own.at(-1).push(drag.from);
  if (drag?.free) ACTIONS.next();
  drag = null;
  render();
});
scope.listen(canvas, "pointercancel", () => (drag = null));

const ACTIONS = {
  undo: () => {
    if (!state.own.at(-1).length && state.own.length > 1) state.own.pop();
    state.own.at(-1).pop();
  },
  next: () => {
    if (state.own.at(-1).length > 2) state.own.push([]);
  },
  clear: () => (state.own = [[]]),
};

function move(dx, dy) {
  state.at = [state.at[0] + dx, state.at[1] + dy].map((value) => Math.min(1, Math.max(0, value)));
}

const KEYS = {
  ArrowLeft: (step) => move(-step, 0),
  ArrowRight: (step) => move(step, 0),
  ArrowUp: (step) => move(0, -step),
  ArrowDown: (step) => move(0, step),
  Enter: () => state.own.at(-1).push([...state.at]),
  " ": () => state.own.at(-1).push([...state.at]),
  Backspace: ACTIONS.undo,
  n: ACTIONS.next,
  Delete: ACTIONS.clear,
};

scope.listen(root, "keydown", (event) => {
  event.stopPropagation(); // the frame explorer listens to the same keys
  if (event.target !== canvas || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  state.keys = true;
  act(event.shiftKey ? 5 * STEP : STEP);
  render();
});

scope.listen(root, "click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  ACTIONS[button.dataset.action]();
  render();
});

scope.listen(root, "input", (event) => {
  const name = event.target.dataset.region;
  if (name) state.regions = event.target.checked ? [...state.regions, name] : state.regions.filter((other) => other !== name);
  render();
});

// ---- the page around it ----

const SHOWN = ["data-frame", "data-first", "data-last", "data-clip", "data-regions"]; // what the explorer tells of itself

const explorer = document.querySelector("#explorer");
if (explorer) scope.observe(new MutationObserver(render), explorer, { subtree: true, attributeFilter: SHOWN });
watchSize(canvas, render);
watchLook(root, write);
write();
live(render);
