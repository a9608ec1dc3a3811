// A phantom's acoustics: for the frame shown, each band's true sensitivity along the vocal tract beside the map's
// attribution there, from the lips to the glottis (analysis/tract_sensitivity.py).

const ACOUSTICS_HIGH = 92; // pixels of a curve's panel

// The values of a frame, null where nothing is known of it.
function acousticsAt({ stretches, true: all, map, rank }, frame) {
  const of = (values) => [...values.slice(frame * stretches, (frame + 1) * stretches)];
  return Number.isFinite(rank[frame]) ? { truth: of(all), map: of(map), rank: rank[frame] } : null;
}

// Points of a curve over a box, each value in the middle of its stretch; its largest magnitude reaches the edge.
function curvePoints(values, { left, top, width, height }) {
  const most = Math.max(...values.map(Math.abs)) || 1, middle = top + height / 2;
  return values.map((value, k) => [left + ((k + 0.5) / values.length) * width, middle - (value / most) * (height / 2 - 3)]);
}

// ---- on the page ----

function acousticBands() {
  return [...data.bands.entries()].filter(([, { acoustics }]) => acoustics);
}

function toggleAcoustics() {
  toggle("acoustics");
  renderTracks();
}

function renderAcoustics() {
  const there = acousticBands(), node = find("acoustics"), button = element.querySelector('[data-action="acoustics"]');
  button.hidden = !there.length;
  node.hidden = !state.acoustics || state.defence || !there.length;
  if (node.hidden) return;
  const canvas = find("acoustics-curves"), pen = penOn(canvas, null), { draw, colour, size } = pen, gap = 2 * size;
  const wide = (canvas.parentElement.clientWidth - gap * (there.length - 1)) / there.length, said = [];
  for (const [place, [number, band]] of there.entries()) {
    const box = { ...pen, left: place * (wide + gap), top: size + 8, width: wide, height: ACOUSTICS_HIGH };
    const here = isHushed(state.frame) ? null : acousticsAt(band.acoustics, state.frame);
    draw.fillStyle = colour("lane");
    draw.fillRect(box.left, box.top, box.width, box.height);
    draw.fillStyle = colour("faint");
    draw.fillRect(box.left, box.top + box.height / 2, box.width, 1);
    for (const [end, align] of [["lips", "left"], ["glottis", "right"]])
      text(pen, word(`acoustics_${end}`), box.left + (align === "left" ? 0 : wide), box.top + box.height + size / 2 + 4, align);
    draw.fillStyle = colour(`band-${number}`);
    const rank = here ? word("acoustics_rank", { rank: here.rank.toFixed(2).replace("-", "−") }) : word("acoustics_unknown");
    text(pen, shortened(pen, `${band.name}: ${rank}`, wide), box.left, size / 2 + 2, "left");
    said.push(`${band.name}: ${rank}`);
    if (here) paintAcoustics(box, here, colour(`band-${number}`));
  }
  canvas.setAttribute("aria-label", `${word("acoustics_help")} ${said.join("; ")}`);
}

function paintAcoustics(box, { truth, map }, hue) {
  const { draw, colour, left, top, width, height } = box, middle = top + height / 2, points = curvePoints(truth, box);
  const trace = (of) => {
    draw.beginPath();
    for (const [k, point] of of.entries()) k ? draw.lineTo(...point) : draw.moveTo(...point);
  };
  trace([[points[0][0], middle], ...points, [points.at(-1)[0], middle]]);
  draw.fillStyle = hue;
  draw.globalAlpha = 0.3;
  draw.fill();
  draw.globalAlpha = 1;
  draw.strokeStyle = hue;
  draw.lineWidth = 1.8;
  trace(points);
  draw.stroke();
  draw.strokeStyle = colour("ink");
  draw.setLineDash([5, 3]);
  trace(curvePoints(map, { left, top, width, height }));
  draw.stroke();
  draw.setLineDash([]);
}
