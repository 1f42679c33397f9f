// What comes by /live was made by the server, which escapes it.
'use strict';
(() => {
  const calls = document.getElementById('calls');
  const state = document.getElementById('state');
  if (!state) return;
  const pause = document.getElementById('pause');
  const live = document.getElementById('live');
  const most = 200;
  let waiting = [];
  const paused = () => pause && pause.getAttribute('aria-pressed') === 'true';
  const show = (html) => {
    document.getElementById('none')?.remove();
    calls.insertAdjacentHTML('afterbegin', html);
    while (calls.rows.length > most) calls.deleteRow(-1);
  };
  const tell = (text) => { if (live) live.textContent = text; };
  if (pause) {
    pause.hidden = false;
    pause.addEventListener('click', () => {
      pause.setAttribute('aria-pressed', String(!paused()));
      pause.textContent = paused() ? 'Go on' : 'Pause';
      if (!paused()) waiting.splice(0).forEach(show);
      tell(paused() ? 'paused' : 'live');
    });
  }
  const events = new EventSource('/live');
  events.addEventListener('open', () => { if (!paused()) tell('live'); });
  events.addEventListener('error', () => tell('not connected'));
  events.addEventListener('call', (e) => {
    if (!calls) return;
    if (!paused()) { show(e.data); return; }
    waiting.push(e.data);
    if (waiting.length > most) waiting.shift();
    tell('paused, ' + waiting.length + ' more');
  });
  events.addEventListener('state', (e) => {
    if (state.contains(document.activeElement)) return; // somebody reads there by keyboard
    const open = [...state.querySelectorAll('details')].map((d) => d.open);
    state.innerHTML = e.data;
    state.querySelectorAll('details').forEach((d, i) => { d.open = open[i] || false; });
  });
})();
