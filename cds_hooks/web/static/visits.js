// Calls the service from the browser as an EHR does, draws the card that comes back, and sends what is done with it.
import { drawCard, element } from './card.js';
import { failure } from './words.js';

const text = document.querySelector('#request');
const service = document.querySelector('#service');
const button = document.querySelector('#send');
const answer = document.querySelector('#answer');
const fault = document.querySelector('#fault');
const exchanges = document.querySelector('#exchanges');

async function call(address, body) {
  const began = performance.now();
  let response = null;
  try {
    response = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  } catch {
    // Nobody answered: said below.
  }
  const took = performance.now() - began;
  const copy = response?.clone();
  const received = copy ? await copy.text() : '';
  show(`POST ${address}`, body, response, received, took);
  return { response, took };
}

function show(title, sent, response, received, took) {
  const status = response ? `${response.status} after ${took.toFixed(0)} ms` : 'no answer';
  const part = element('section', { className: 'exchange' }, [
    element('h3', {}, [`${title} · ${status}`]),
    element('h4', {}, ['Request']),
    block(sent),
    element('h4', {}, ['Response']),
    block(received || '(nothing)'),
  ]);
  exchanges.prepend(part);
  document.querySelector('#wire').hidden = false;
}

function block(json) {
  let shown = json;
  try {
    shown = JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    // Shown as it came.
  }
  return element('pre', { tabIndex: 0 }, [shown]);
}

async function send() {
  if (text.value.trim() === '') {
    fault.replaceChildren(element('p', {}, ['The request is empty: undo the changes, or paste one.']));
    fault.hidden = false;
    text.focus();
    return;
  }
  button.disabled = true;
  answer.setAttribute('aria-busy', 'true');
  fault.hidden = true;
  const { response, took } = await call(service.value, text.value);
  if (response?.ok) {
    await draw((await response.json()).cards, took);
  } else {
    await refuse(response);
  }
  answer.removeAttribute('aria-busy');
  button.disabled = false;
}

async function draw(cards, took) {
  const timing = element('p', { className: 'quiet took' }, [`Answered in ${took.toFixed(0)} ms.`]);
  if (cards.length === 0) {
    const why = await reasons();
    answer.replaceChildren(timing, element('div', { className: 'slot' }, [
      element('p', {}, ['No card: the service has nothing to suggest for this visit.']),
      ...why.map((reason) => element('p', { className: 'quiet' }, [reason])),
    ]));
    return;
  }
  const drawn = await Promise.all(cards.map((card) => drawCard(card, answer.dataset.detail, tell)));
  answer.replaceChildren(...drawn, timing);
}

async function reasons() {
  if (!answer.dataset.explain) {
    return [];
  }
  const asked = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: text.value };
  const response = await fetch(answer.dataset.explain, asked).catch(() => null);
  return response?.ok ? (await response.json()).outcome.reasons.map((reason) => reason.text) : [];
}

// Sends one feedback event; returns what to say about it.
async function tell(event) {
  const body = JSON.stringify({ feedback: [{ ...event, outcomeTimestamp: new Date().toISOString() }] });
  const { response } = await call(`${service.value}/feedback`, body);
  return response?.ok
    ? { ok: true, words: 'Recorded by the service (200). It counts in Activity.' }
    : { ok: false, words: await failure(response) };
}

async function refuse(response) {
  const words = await failure(response);
  const place = /at line (\d+) column (\d+)/.exec(words);
  if (place) {
    const line = Number(place[1]);
    const written = text.value.split('\n')[line - 1] ?? '';
    fault.replaceChildren(
      element('p', {}, [`This is not JSON. The fault is at line ${line}, column ${place[2]}, or just before it:`]),
      element('code', {}, [`${line}  ${written.trim().slice(0, 120)}`]),
    );
    fault.hidden = false;
    goTo(line);
    answer.replaceChildren(element('p', { className: 'slot' }, ['Nothing was decided: mend the request and send it again.']));
    return;
  }
  answer.replaceChildren(element('p', { className: 'panel answer fault', role: 'alert' }, [words]));
}

function goTo(line) {
  const lines = text.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const height = Number.parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 5) * height);
}

function caret() {
  const before = text.value.slice(0, text.selectionStart).split('\n');
  document.querySelector('#caret').textContent = `Line ${before.length}, column ${before.at(-1).length + 1}`;
}

// Another service answers to another hook: the request has to name it.
function rename() {
  try {
    const asked = JSON.parse(text.value);
    asked.hook = service.selectedOptions[0].dataset.hook;
    text.value = JSON.stringify(asked, null, 2);
  } catch {
    // The request is no JSON just now; sending it will say so.
  }
}

if (text) {
  button.addEventListener('click', send);
  service.addEventListener('change', rename);
  document.addEventListener('selectionchange', () => document.activeElement === text && caret());
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      send();
    }
  });
}
