// The explorer's pictures: two visible ones with the view's heatmaps, and the plain frame, hidden, for the page's
// drawing canvases.

const SIDE = 256; // pixels of a picture

// Each picture is a list of layers, painted one over the other: {name, draw(picture)}, where a picture is {draw: its
// canvas' context, gray: the frame (SIDE, SIDE), frame: its number}.
const PICTURES = {
  heat: [{ name: "heat", draw: (picture) => paintHeat(picture, heatShown()) }],
  beside: [{ name: "heat", draw: (picture) => paintHeat(picture, heatBeside()) }],
  plain: [{ name: "frame", draw: (picture) => paintHeat(picture, []) }],
};

// The sheets' tiles as one Uint8Array a frame, (side, side) gray.
async function grayFrames(images, { side, pitch, tiles }, frames) {
  const gray = [], decoded = images.map((image) => createImageBitmap(new Blob([bytesOf(image)], { type: "image/jpeg" })));
  for (const picture of await Promise.all(decoded)) {
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

function renderPictures() {
  const part = data.pictures.at(state.frame);
  find("fetching").hidden = Boolean(part);
  if (!part) return blankPictures();
  const { side } = data.sheet, own = part.gray[part.place];
  const gray = side === SIDE ? own : enlarge(own, side, SIDE, "linear").map(Math.round);
  for (const [name, layers] of Object.entries(PICTURES)) {
    const draw = find(name).getContext("2d", { willReadFrequently: true });
    for (const layer of layers) layer.draw({ draw, gray, frame: state.frame });
  }
  for (const name of ["heat", "beside"]) {
    renderSeen(find(`${name}-seen`));
    renderOutlines(find(`${name}-outlines`), part);
  }
  const hushed = isHushed(state.frame);
  find("heat-hush").hidden = !hushed || !heatShown().length;
  find("beside-hush").hidden = !hushed || !heatBeside().length;
}

// The frame's part is on its way.
function blankPictures() {
  for (const name of Object.keys(PICTURES)) find(name).getContext("2d").clearRect(0, 0, SIDE, SIDE);
  for (const name of ["heat", "beside"]) {
    for (const path of find(`${name}-outlines`).children) path.setAttribute("d", "");
    find(`${name}-hush`).hidden = true;
  }
}

// Whether there is nothing to explain in a frame: the model does not speak, and nobody asked to see its maps.
function isHushed(frame) {
  return data.silent[frame] && !state.silence;
}

// The border of what the model sees, where it does not see all of the picture; the same in all frames.
function renderSeen(svg) {
  const d = data.seen.map((points) => `M${points.join(" ")}Z`).join("");
  if (svg.dataset.shape === d) return;
  svg.dataset.shape = d;
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", d);
  const title = document.createElementNS(svg.namespaceURI, "title");
  title.textContent = word("seen_help");
  path.append(title);
  svg.replaceChildren(...(d ? [path] : []));
}

// One path a region, made with the clip; in each frame it gets the frame's shape.
function renderOutlines(svg, { numbers, starts, place: first }) {
  const { names, colours, steps } = data.regions;
  svg.toggleAttribute("hidden", !state.outlines);
  if (svg.dataset.names !== names.join()) {
    svg.dataset.names = names.join();
    const paths = names.map((name, number) => {
      const path = document.createElementNS(svg.namespaceURI, "path");
      path.dataset.region = name;
      path.setAttribute("stroke", colours[number]);
      path.append(document.createElementNS(svg.namespaceURI, "title"));
      return path;
    });
    svg.replaceChildren(...paths);
  }
  for (const [number, path] of [...svg.children].entries()) {
    const place = first * names.length + number;
    path.setAttribute("d", outlinePath(numbers, starts[place], starts[place + 1], steps));
    path.firstChild.textContent = word(`region_${names[number]}`);
  }
}

// heats: what heatShown gives; none paints the frame alone.
function paintHeat({ draw, gray, frame }, shown) {
  if (isHushed(frame)) shown = [];
  const levels = shown.map(({ grid, signed }) => {
    const enlarged = enlarge(grid(frame), data.grid, SIDE, state.cells ? "cells" : "cubic");
    return signed ? signedLevels(enlarged) : heatLevels(enlarged);
  });
  putPixels(draw, gray, levels, shown.map(({ signed, table }) => paintOf(table, signed)));
}

function putPixels(draw, gray, levels, layers) {
  const image = new ImageData(SIDE, SIDE);
  blend(gray, levels, layers, image.data);
  draw.putImageData(image, 0, 0);
}

// What the picture on the right shows: the second band beside the first, or the frame alone.
function heatBeside() {
  return state.view === "each" && !state.bare ? [heatOfBand(data.bands[1], 1)] : [];
}

// What the view shows as heat over the frame: {name and marks for the legend, table, signed, grid(frame)}.
function heatShown() {
  if (state.view === "off" || state.bare) return [];
  if (state.view === "each") return [heatOfBand(data.bands[0], 0)];
  if (state.view === "both") return data.bands.map(heatOfBand);
  if (state.view === "difference") {
    const [first, second] = data.bands;
    const grid = (frame) => {
      const [a, b] = [first, second].map((band) => heatOf(camOf(band, frame), scaleOf(band, frame)));
      return a.map((value, i) => value - b[i]);
    };
    const words = { name: `${first.name} − ${second.name}`, marks: [second.name, first.name] };
    return [{ ...words, table: data.tables.diverging, signed: true, grid }];
  }
  const band = data.bands[state.view];
  if (!state.signed || isTwoSided(band)) return [heatOfBand(band, Number(state.view))];
  const grid = (frame) => signedOf(camOf(band, frame), band.limit);
  return [{ name: bandShort(band), marks: ["−1", "+1"], table: data.tables.diverging, signed: true, grid }];
}

function heatOfBand(band, number) {
  if (isTwoSided(band)) return signsOfBand(band);
  const grid = (frame) => heatOf(camOf(band, frame), scaleOf(band, frame));
  return { name: bandShort(band), marks: ["0", "1"], table: data.tables.bands[number], signed: false, grid };
}

// What raises a frequency or a slope, warm, and what lowers it, cold.
function signsOfBand(band) {
  const most = (cam) => cam.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const grid = (frame) => {
    const cam = camOf(band, frame);
    return signedOf(cam, state.ownScale ? most(cam) : band.limit);
  };
  return { name: bandShort(band), marks: [word("lowers"), word("raises")], table: data.tables.diverging, signed: true, grid };
}

// What shows as 1: of the whole clip's speech, or the frame's own hottest cell.
function scaleOf(band, frame) {
  return state.ownScale ? camOf(band, frame).reduce((a, b) => Math.max(a, b), 0) : band.scale;
}

function camOf(band, frame) {
  const [top, left, rows, columns] = data.box, cells = rows * columns;
  const { cams, place } = data.pictures.at(frame); // asked for where the frame is painted: it is there
  const sent = cams[data.bands.indexOf(band)].subarray(place * cells, (place + 1) * cells);
  if (cells === data.grid * data.grid) return sent;
  const whole = new Float32Array(data.grid * data.grid);
  for (let row = 0; row < rows; row++) {
    whole.set(sent.subarray(row * columns, (row + 1) * columns), (top + row) * data.grid + left);
  }
  return whole;
}

// A colour table at the chosen opacity, made once for each: frames follow each other, opacities hardly ever do.
const paints = { opacity: null, of: new Map() };

function paintOf(table, signed) {
  if (paints.opacity !== state.opacity) Object.assign(paints, { opacity: state.opacity, of: new Map() });
  if (!paints.of.has(table)) paints.of.set(table, (signed ? divergingLayer : heatLayer)(table, state.opacity));
  return paints.of.get(table);
}

// The colour scales as the layers look over a dark gray, as in the exported video; redrawn only where they change.
function renderLegend() {
  const rows = [...heatShown(), ...heatBeside()];
  const told = JSON.stringify([rows.map(({ name, marks }) => [name, marks]), state.opacity, state.ownScale, language()]);
  if (find("legend").dataset.shown === told) return;
  find("legend").dataset.shown = told;
  const nodes = [];
  for (const { name, marks, table, signed } of rows) {
    const bar = context2d(256, 1), ground = new Uint8Array(256).fill(24), image = new ImageData(256, 1);
    blend(ground, [Uint8Array.from(ground, (_, i) => i)], [paintOf(table, signed)], image.data);
    bar.putImageData(image, 0, 0);
    nodes.push(labelled("span", name), labelled("span", marks[0], "mark"), bar.canvas, labelled("span", marks[1], "mark"));
  }
  find("legend").replaceChildren(...nodes);
  find("legend").title = word(state.ownScale ? "own_scale_help" : "scale_help");
}

// Both pictures with the frame's number and the legend, as a PNG file.
function snapshot() {
  const rows = [...heatShown(), ...heatBeside()], width = 1040, foot = Math.max(96, 36 * rows.length + 20), context = context2d(width, 512 + foot);
  context.fillStyle = "#181818";
  context.fillRect(0, 0, width, 512 + foot);
  context.drawImage(find("heat"), 0, 0, 512, 512);
  context.drawImage(find("beside"), 528, 0, 512, 512);
  if (state.outlines) for (const left of [0, 528]) drawOutlines(context, left, 512);
  context.fillStyle = "#f0f0f0";
  context.font = "20px system-ui, sans-serif";
  const pen = { draw: context }, seconds = (state.frame / data.fps).toFixed(3);
  text(pen, `${data.name}   ${word("frame")} ${state.frame}   ${seconds} s`, 544, 540, "left");
  const bars = find("legend").querySelectorAll("canvas");
  for (const [row, { name, marks }] of rows.entries()) {
    const y = 540 + 36 * row;
    text(pen, name, 12, y, "left");
    text(pen, marks[0], 290, y, "right");
    context.drawImage(bars[row], 300, y - 9, 170, 18);
    text(pen, marks[1], 480, y, "left");
  }
  const name = `${data.name}_frame${String(state.frame).padStart(4, "0")}.png`;
  context.canvas.toBlob((blob) => {
    const { url, end } = scope.url(blob, "image/png");
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    scope.later(10_000, end);
  });
}

// The outlines on a canvas: a square picture that begins at `left` and is `side` pixels wide.
function drawOutlines(context, left, side) {
  context.save();
  context.translate(left, 0);
  context.scale(side, side);
  context.lineWidth = 1.5 / side;
  for (const path of find("heat-outlines").children) {
    context.strokeStyle = path.getAttribute("stroke");
    context.stroke(new Path2D(path.getAttribute("d")));
  }
  context.restore();
}
