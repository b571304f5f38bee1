// Reads texts of GitHub-flavoured Markdown, one JSON string a line, as the CDS Hooks Sandbox does, and answers for each
// the kinds of nodes it is made of and the addresses that it leads to or draws from.
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { createInterface } from 'node:readline';
import { unified } from 'unified';

const reader = unified().use(remarkParse).use(remarkGfm);

function walk(node, kinds, addresses) {
  kinds.add(node.type);
  if (node.url !== undefined) {
    addresses.add(node.url);
  }
  for (const child of node.children ?? []) {
    walk(child, kinds, addresses);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const kinds = new Set();
  const addresses = new Set();
  walk(reader.runSync(reader.parse(JSON.parse(line))), kinds, addresses);
  console.log(JSON.stringify({ kinds: [...kinds], addresses: [...addresses] }));
}
