// The A/B player: several sounds of one clip at one position. Everything on display follows from `data` and `state`.

const root = element.querySelector(".listen");
const MEL_HEIGHT = 88, LINES_HEIGHT = 120, SCALE_WIDTH = 110;

let data = null;
const state = { sound: "0", speed: 1, loop: false }; // sound: its number as text

const playback = new Playback(state, find("players"), { bounds, moved: renderCursor, changed: render });

function load(text) {
  playback.load({});
  data = null;
  root.hidden = !text;
  if (!text) return;
  data = JSON.parse(text);
  data.duration = data.frames / data.fps;
  const { sounds, difference, changes, tables } = data;
  const picture = (levels, frames, table) => pictureOf(bytesOf(levels), frames, bytesOf(table));
  for (const sound of sounds) sound.picture = picture(sound.mel, sound.frames, tables.one);
  if (difference) difference.picture = picture(difference.levels, difference.frames, tables.diverging);
  for (const [name, values] of Object.entries(changes?.bands ?? {})) changes.bands[name] = floatsOf(values);
  Object.assign(state, { sound: "0", loop: false });
  playback.load(Object.fromEntries(sounds.map(({ wav }, number) => [number, bytesOf(wav)])));
  for (const sound of sounds) delete sound.wav;
  colourBands(root, data.colours);
  write();
}

// ---- words ----

function nameOf(sound, number) {
  return `${number + 1}  ${sound.words[language()]}`;
}

function write() {
  writeWords();
  if (!data) return;
  const buttons = data.sounds.map((sound, number) => {
    const button = Object.assign(labelled("button", nameOf(sound, number)), { type: "button" });
    button.dataset.sound = number;
    return button;
  });
  find("sounds").replaceChildren(...buttons);
  renderTracks();
  render();
}

// ---- time ----

// What is repeated, in seconds: the stretch that was changed, or all.
function bounds() {
  const [first, last] = data.stretch ?? [0, data.frames - 1];
  return [first / data.fps, (last + 1) / data.fps];
}

function seek(seconds) {
  playback.seek(Math.max(0, Math.min(data.duration - 0.001, seconds)));
  renderCursor();
}

function play() {
  const [from, to] = bounds(), { now } = playback;
  if (now >= data.duration - 0.01) seek(0);
  if (data.stretch && state.loop && (now < from || now >= to)) seek(from);
  playback.play();
}

// ---- what a person does ----

const ACTIONS = {
  play: () => (playback.playing ? playback.pause() : play()),
  loop: () => {
    state.loop = !state.loop;
    render();
  },
};

function click(event) {
  const button = event.target.closest("button");
  if (!button || !data) return;
  if (button.dataset.sound) playback.choose(button.dataset.sound);
  if (button.dataset.action) ACTIONS[button.dataset.action]();
}

function pressKey(event) {
  event.stopPropagation(); // the frame explorer listens to the same keys
  if (!data || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button")) return;
  const step = (event.shiftKey ? 10 : 1) / data.fps;
  const act = {
    " ": ACTIONS.play,
    l: ACTIONS.loop,
    ArrowLeft: () => seek(playback.now - step),
    ArrowRight: () => seek(playback.now + step),
    Home: () => seek(0),
    End: () => seek(data.duration),
  }[event.key] ?? (/^[1-9]$/.test(event.key) ? () => playback.choose(String(event.key - 1)) : null);
  if (!act) return;
  event.preventDefault();
  act();
}

function listenToPointer() {
  const tracks = find("tracks");
  const go = (event) => seek(secondsAt(event.clientX - tracks.getBoundingClientRect().left, timeAxis()));
  scope.listen(tracks, "pointerdown", (event) => {
    if (!data || event.button > 0) return;
    tracks.setPointerCapture(event.pointerId);
    go(event);
  });
  scope.listen(tracks, "pointermove", (event) => data && tracks.hasPointerCapture(event.pointerId) && go(event));
}

// ---- pictures ----

function timeAxis() {
  return axisOver(find("tracks"), [0, data.duration]);
}

function render() {
  if (!data) return;
  for (const button of root.querySelectorAll("[data-sound]")) press(button, button.dataset.sound === state.sound);
  press(root.querySelector('[data-action="loop"]'), state.loop);
  root.classList.toggle("playing", playback.playing);
  renderCursor();
}

function renderCursor() {
  const { now } = playback, tracks = find("tracks"), axis = timeAxis();
  find("cursor").style.transform = `translateX(${placeOf(Math.min(now, data.duration), axis)}px)`;
  find("time").textContent = word("listen_position", { now: now.toFixed(2), all: data.duration.toFixed(2) });
  tracks.setAttribute("aria-valuemax", data.duration.toFixed(2));
  tracks.setAttribute("aria-valuenow", now.toFixed(2));
  tracks.setAttribute("aria-valuetext", find("time").textContent);
  find("chosen").style.display = data.stretch ? "" : "none";
  const [first, last] = bounds().map((seconds) => placeOf(seconds, axis));
  find("chosen").style.transform = `translateX(${first}px)`;
  find("chosen").style.width = `${last - first}px`;
}

// What is drawn, from above to below: {title, height, paint(box)}.
function lanes() {
  const { sounds, difference, changes, duration } = data;
  const paintPicture = (picture) => (box) => {
    paintSpectrogram(box, picture, duration);
    paintFrequencies(box, data.bins_hz);
  };
  const all = sounds.map((sound, number) => ({
    title: nameOf(sound, number), height: MEL_HEIGHT, paint: paintPicture(sound.picture),
  }));
  if (difference)
    all.push({
      title: difference.words[language()], height: MEL_HEIGHT,
      paint: (box) => {
        paintPicture(difference.picture)(box);
        paintScale(box, bytesOf(data.tables.diverging), difference.limit_db);
      },
    });
  if (changes) all.push({ title: changes.words[language()], height: LINES_HEIGHT, paint: paintChanges });
  return all;
}

function renderTracks() {
  const tracks = find("tracks");
  if (!data || !isShown(tracks)) return;
  const all = lanes();
  tracks.style.height = `${heightOfAll(all, typeSize(tracks))}px`;
  paintLanes(penOn(find("lanes"), timeAxis()), all, 0);
  renderCursor();
}

// What the colours of a difference mean, at the right end of its title's line.
function paintScale(box, table, limit) {
  const { draw, colour, size, left, top, width } = box;
  const middle = top - titleHeight(size) / 2, louder = `+${limit} dB ${word("listen_louder")}`;
  draw.fillStyle = colour("ink");
  text(box, louder, left + width, middle, "right");
  const end = left + width - draw.measureText(louder).width - 6;
  text(box, `${word("listen_quieter")} −${limit} dB`, end - SCALE_WIDTH - 6, middle, "right");
  for (let column = 0; column < SCALE_WIDTH; column++) {
    const entry = 3 * Math.round((255 * column) / (SCALE_WIDTH - 1));
    draw.fillStyle = `rgb(${table[entry]} ${table[entry + 1]} ${table[entry + 2]})`;
    draw.fillRect(end - SCALE_WIDTH + column, middle - 5, 1, 10);
  }
}

// Lines of change in dB about zero, on a round scale that holds them all.
function paintChanges(box) {
  const { colour, top, height } = box, bands = Object.entries(data.changes.bands);
  let largest = 0;
  for (const [, values] of bands) for (const value of values) largest = Math.max(largest, Math.abs(value));
  const limit = [3, 6, 10, 20, 30, 50, 100].find((round) => round >= largest) ?? Math.ceil(largest);
  const y = (db) => top + height / 2 - (db / limit) * (height / 2 - 4);
  paintDecibels(box, [-limit, 0, limit], y);
  for (const [number, [, values]] of bands.entries()) paintLine(box, values, data.duration, y, colour(`band-${number}`));
  paintBesideTitle(box, [bands.map(([name], number) => ({ said: name, colour: `band-${number}` }))]);
}

// ---- the page around it ----

scope.listen(root, "click", click);
scope.listen(root, "keydown", pressKey);
listenToPointer();
watchSize(root, renderTracks);
watchLook(root, write);
write();
live(load);
