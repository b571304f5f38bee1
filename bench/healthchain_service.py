"""HealthChain's CDS service as its documentation shows it: the adapter turns the prefetch into FHIR, a card goes out.

It runs in an environment of its own (see requirements-healthchain.txt): HealthChain wants an older fhir.resources.
"""

import sys

import uvicorn
from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.io.adapters.cdsfhiradapter import CdsFhirAdapter
from healthchain.models import Card, CDSRequest, CDSResponse

cds = CDSHooksService()
adapter = CdsFhirAdapter(hook_name="encounter-discharge")


@cds.hook("encounter-discharge", id="bench")
def discharge(request: CDSRequest) -> CDSResponse:
    """Read the request as HealthChain does, and say so."""
    document = adapter.parse(request, prefetch_document_key="documents")
    summary = f"{len(document.fhir.prefetch_resources)} keys were read"
    return CDSResponse(cards=[Card(summary=summary, indicator="info", source={"label": "bench"})])


app = HealthChainAPI(title="bench")
app.register_service(cds, path="/cds")

if __name__ == "__main__":
    uvicorn.run(
        "healthchain_service:app", port=int(sys.argv[1]), workers=2, loop="uvloop", http="httptools", log_level="error"
    )
