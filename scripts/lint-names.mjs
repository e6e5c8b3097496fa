// One name for one thing: refuses a name that two files of apps and libs export, whatever it is in each of them.
// Type and value of one name in one file count once (a zod schema and its type). Specs and generated files are left out.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const tracked = execFileSync('git', ['ls-files', 'apps', 'libs'], { encoding: 'utf8' }).split('\n');
const sources = tracked.filter((path) => /\/src\/.*\.ts$/.test(path) && !/\/gen\/|\.spec\.ts$/.test(path));

/** Names of the declarations that a file exports. */
function exportedNames(path) {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const isExported = (statement) =>
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  return file.statements.filter(isExported).flatMap((statement) => {
    const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
    return declarations.flatMap(({ name }) => (name && ts.isIdentifier(name) ? [name.text] : []));
  });
}

const owners = new Map();
for (const path of sources)
  for (const name of new Set(exportedNames(path))) owners.set(name, [...(owners.get(name) ?? []), path]);

const shared = [...owners].filter(([, paths]) => paths.length > 1);
for (const [name, paths] of shared)
  console.error(`${name} is exported by ${paths.join(' and ')}: give one of them another name`);
if (shared.length > 0) process.exit(1);
