// Draws a card of CDS Hooks as an EHR would: everything as text, the detail as the service's own reader renders it.

// An element with properties and children; text children stay text.
export function element(name, properties = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const INDICATORS = { info: 'Information', warning: 'Warning', critical: 'Critical' };

// `tell` sends one feedback event and says what came of it.
export async function drawCard(card, reader, tell) {
  const state = element('p', { className: 'state', role: 'status' });
  const controls = element('div', { className: 'controls' });
  const drawn = element('article', { className: `card ${card.indicator}` }, [
    element('p', { className: 'indicator' }, [INDICATORS[card.indicator] ?? card.indicator]),
    element('h2', { className: 'summary' }, [card.summary]),
    controls,
    state,
    await detail(card.detail, reader),
    source(card.source),
  ]);
  const finish = async (event, words) => {
    for (const one of controls.querySelectorAll('button')) {
      one.disabled = true;
    }
    const told = await tell({ card: card.uuid, ...event });
    state.textContent = told.ok ? `${words} ${told.words}` : told.words;
    state.classList.toggle('bad', !told.ok);
    if (told.ok) {
      drawn.classList.add('done');
      state.tabIndex = -1;
      state.focus(); // the button that had it goes
      controls.replaceChildren();
    } else {
      for (const one of controls.querySelectorAll('button')) {
        one.disabled = false;
      }
    }
  };
  controls.append(...suggestions(card, finish), ...links(card), dismissal(card, finish));
  return drawn;
}

async function detail(markdown, reader) {
  const made = element('div', { className: 'detail' });
  if (!markdown) {
    return made;
  }
  const body = JSON.stringify({ detail: markdown });
  const asked = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
  const answer = await fetch(reader, asked).catch(() => null);
  if (answer?.ok) {
    made.innerHTML = await answer.text(); // no HTML of the card's own is in it: the reader writes every tag
    for (const table of made.querySelectorAll('table')) {
      const around = element('div', { className: 'scroll', tabIndex: 0, role: 'region' });
      around.setAttribute('aria-label', table.querySelector('th')?.textContent || 'Table');
      table.replaceWith(around);
      around.append(table);
    }
    for (const cell of made.querySelectorAll('td')) {
      cell.classList.toggle('day', /^\d{4}-\d{2}-\d{2}$/.test(cell.textContent));
    }
  } else {
    made.append(element('pre', {}, [markdown]));
  }
  return made;
}

function source(told) {
  const label = told.url
    ? element('a', { href: told.url, rel: 'noreferrer', target: '_blank' }, [told.label])
    : told.label;
  return element('p', { className: 'quiet' }, ['Source: ', label, told.topic?.display ? ` · ${told.topic.display}` : '']);
}

function suggestions(card, finish) {
  return (card.suggestions ?? []).map((suggestion) => {
    const accept = element('button', { type: 'button' }, ['Accept']);
    accept.classList.toggle('primary', Boolean(suggestion.isRecommended));
    accept.setAttribute('aria-label', `Accept: ${suggestion.label}`);
    accept.addEventListener('click', () => {
      finish({ outcome: 'accepted', acceptedSuggestions: [{ id: suggestion.uuid }] }, `Accepted: ${suggestion.label}.`);
    });
    const actions = (suggestion.actions ?? []).map((action) => element('details', { className: 'fold' }, [
      element('summary', {}, [action.description]),
      element('pre', { tabIndex: 0 }, [JSON.stringify(action.resource ?? action.resourceId, null, 2)]),
    ]));
    return element('div', { className: 'suggestion' }, [
      element('div', {}, [element('p', { className: 'offer' }, [suggestion.label]), ...actions]),
      accept,
    ]);
  });
}

function links(card) {
  return (card.links ?? []).filter((link) => /^https?:\/\//.test(link.url)).map((link) => element(
    'a',
    { className: 'link', href: link.url, rel: 'noreferrer', target: '_blank' },
    [link.label],
  ));
}

function dismissal(card, finish) {
  const reasons = card.overrideReasons ?? [];
  const choice = element('select', { id: `reason-${card.uuid}` }, [
    element('option', { value: '' }, ['No reason given']),
    ...reasons.map((reason, index) => element('option', { value: String(index) }, [reason.display])),
  ]);
  const comment = element('input', { id: `comment-${card.uuid}`, type: 'text', maxLength: 500 });
  const dismiss = element('button', { type: 'button' }, ['Override']);
  dismiss.addEventListener('click', () => {
    const reason = reasons[Number(choice.value)];
    const why = {};
    if (choice.value !== '' && reason) {
      why.reason = { code: reason.code, system: reason.system, display: reason.display };
    }
    if (comment.value.trim()) {
      why.userComment = comment.value.trim();
    }
    const event = Object.keys(why).length ? { outcome: 'overridden', overrideReason: why } : { outcome: 'overridden' };
    finish(event, `Overridden${why.reason ? `: ${reason.display}` : ''}.`);
  });
  return element('details', { className: 'fold dismissal' }, [
    element('summary', {}, ['Override or dismiss']),
    element('div', { className: 'bar' }, [
      element('div', { className: 'ask grow' }, [element('label', { htmlFor: choice.id }, ['Reason']), choice]),
      element('div', { className: 'ask grow' }, [element('label', { htmlFor: comment.id }, ['Comment']), comment]),
      dismiss,
    ]),
  ]);
}
