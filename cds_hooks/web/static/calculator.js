// Keeps the answer beside the form up to date while it is filled in, and the address with it, so that it can be shared.
import { failure } from './words.js';

const QUIET = 120; // milliseconds without a key before the service is asked

const form = document.querySelector('#facts');
const outcome = document.querySelector('#outcome');
let waiting = 0;
let asking = new AbortController();

function stated() {
  const given = [...new FormData(form)].map(([name, value]) => [name, value.trim()]);
  return new URLSearchParams(given.filter(([name, value]) => value !== '' || name === 'service_date'));
}

async function refresh() {
  asking.abort();
  asking = new AbortController();
  const query = stated().toString();
  history.replaceState(null, '', `${form.action}?${query}`);
  try {
    const answer = await fetch(`${form.dataset.outcome}?${query}`, { signal: asking.signal });
    const isPage = answer.headers.get('Content-Type')?.startsWith('text/html');
    if (isPage) {
      outcome.innerHTML = await answer.text(); // written by our own templates, which escape all that was typed
    } else {
      say(await failure(answer));
    }
  } catch (error) {
    if (error.name !== 'AbortError') {
      say(await failure(null));
    }
  }
}

function say(words) {
  const note = document.createElement('p');
  note.className = 'panel answer fault';
  note.setAttribute('role', 'alert');
  note.textContent = words;
  outcome.replaceChildren(note);
}

form.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, QUIET);
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  refresh();
});
outcome.addEventListener('click', async (event) => {
  if (event.target.id !== 'copy') {
    return;
  }
  const link = `${form.action}?${stated()}`;
  const told = outcome.querySelector('#copied');
  try {
    await navigator.clipboard.writeText(link);
    told.textContent = 'Copied. It holds the facts stated here and nothing else.';
  } catch {
    told.textContent = 'The browser did not let it be copied: copy the address above.';
  }
});
