// Presentation mode: the view for a defence, over the whole window, and what a reload keeps of it.

const KEPT = ["view", "signed", "cells", "ownScale", "outlines", "bare", "silence", "reach", "formants", "acoustics", "opacity", "speed", "even", "defence"];
const KEPT_AS = "rtmri2speech-look";

function setDefence(on) {
  state.defence = on;
  renderTracks();
  render();
}

function renderDefence() {
  root.classList.toggle("defence", state.defence);
  document.body.classList.toggle("defending", state.defence); // nothing scrolls behind it
  press(element.querySelector('.row [data-action="defence"]'), state.defence);
}

// Of this tab alone, and only until it is closed.
function keepLook() {
  const kept = Object.fromEntries(KEPT.map((name) => [name, state[name]]));
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(kept));
  } catch {
    // a browser that stores nothing: then a reload begins anew
  }
}

// Before the first clip arrives. What is not of the kind it was is left as it is.
function recallLook() {
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT_AS)) ?? {};
  } catch {
    return;
  }
  for (const name of KEPT) if (typeof kept[name] === typeof state[name]) state[name] = kept[name];
  find("opacity").value = Math.round(100 * state.opacity);
}
