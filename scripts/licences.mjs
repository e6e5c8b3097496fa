// licences.mjs SBOM: counts the licences of the production dependencies, from npm's CycloneDX file. Exits with 1 when a
// licence is missing or not allowed.
import { readFileSync } from 'node:fs';

/** Licences that require no more than attribution. */
const ALLOWED = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Python-2.0',
  'CC0-1.0',
  'Unlicense',
]);

const { components } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const byLicence = new Map();
const refused = [];
for (const { name, version, licenses = [] } of components) {
  const names = licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name ?? '');
  const text = names.join(' AND ') || 'none';
  byLicence.set(text, (byLicence.get(text) ?? 0) + 1);
  if (!isAllowed(text)) refused.push(`${name}@${version}: ${text}`);
}

/** An expression is allowed if one alternative of each OR, and every part of an AND, is allowed. */
function isAllowed(expression) {
  const all = expression.replace(/[()]/g, '').split(' AND ');
  return all.every((part) => part.split(' OR ').some((one) => ALLOWED.has(one.trim())));
}

for (const [licence, count] of [...byLicence].sort(([, a], [, b]) => b - a))
  console.log(`${String(count).padStart(5)}  ${licence}`);
if (refused.length > 0) {
  console.error(`licences that are not allowed (see ALLOWED in scripts/licences.mjs):\n${refused.join('\n')}`);
  process.exit(1);
}
