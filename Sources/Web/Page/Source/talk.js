// Push-to-talk on this page: a hold of two seconds that is renewed while the button is down, so a page that freezes or
// goes away lets go.

import { change } from '/link.js';

export function talkButton(button, fail) {
  const holder = `page-${Math.random().toString(36).slice(2, 10)}`;
  let renewing;

  const hold = () => change('ptt.press', { target: 'mic', holder, ttl_ms: 2000 }).catch((error) => {
    release();
    fail(error);
  });

  function press() {
    if (renewing) return;
    renewing = setInterval(hold, 800);
    button.setAttribute('aria-pressed', 'true');
    button.textContent = 'Talking';
    hold();
  }

  function release() {
    if (!renewing) return;
    clearInterval(renewing);
    renewing = undefined;
    button.setAttribute('aria-pressed', 'false');
    button.textContent = 'Hold to talk';
    change('ptt.release', { target: 'mic', holder }, true).catch(fail);
  }

  button.addEventListener('pointerdown', (event) => {
    button.setPointerCapture(event.pointerId);
    press();
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) button.addEventListener(end, release);
  const isKey = (event) => event.code === 'Space' || event.code === 'Enter';
  button.addEventListener('keydown', (event) => {
    if (!isKey(event)) return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  button.addEventListener('keyup', (event) => {
    if (isKey(event)) release();
  });
  addEventListener('pagehide', release);
  document.addEventListener('visibilitychange', () => document.hidden && release());
}
