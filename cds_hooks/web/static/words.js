// What to do, said for every way in which a call can fail.
const ADVICE = {
  401: 'This service wants calls signed by an EHR, and this page cannot sign. Try it on a development service '
    + '(TELECODE_AUTH=off), or send the request from your EHR.',
  404: 'This service is not offered here: choose another of its services.',
  412: 'Add the Encounter to prefetch, or name a FHIR server that may be called (TELECODE_FHIR_ALLOW).',
  413: 'Send less: the body is larger than TELECODE_MAX_BODY.',
  503: 'Its store cannot be reached: try again in a moment.',
};

// `answer` is a Response that is no success, or null where none came.
export async function failure(answer) {
  if (answer === null) {
    return 'The service does not answer. Is it still running (make run)? Then try again.';
  }
  let said = '';
  try {
    const [issue] = (await answer.json()).issue;
    said = [issue.diagnostics, issue.expression && `(at ${issue.expression.join(', ')})`].filter(Boolean).join(' ');
  } catch {
    // No OperationOutcome: something between here and the service has answered.
  }
  const parts = [`The service answers ${answer.status}${said ? `: ${said}` : ''}.`, ADVICE[answer.status]];
  return parts.filter(Boolean).join(' ');
}

document.documentElement.classList.add('js');
