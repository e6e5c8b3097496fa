// Compiles the sources of apps and libs that have changed into dist/, each as `nest build` does, but without a look at
// their types: `make lint` checks them. The check is most of what a test waits for when one line was changed.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options: compilerOptions } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const isSource = (path) => /^(apps|libs)\/[^/]+\/src\/.*\.ts$/.test(path) && !/\.spec\.ts$|\/testing\//.test(path);
// a change of this script or of the settings changes every output
const settingsAt = Math.max(...['scripts/compile.mjs', 'tsconfig.json', 'package-lock.json'].map(changedAt));
const outputs = new Set();

for (const source of ['apps', 'libs'].flatMap(filesBelow).filter(isSource)) {
  const output = join('dist', source.replace(/ts$/, 'js'));
  outputs.add(output).add(`${output}.map`);
  if (changedAt(output) > Math.max(changedAt(source), settingsAt)) continue;
  const fileName = join(root, source);
  const { outputText, sourceMapText } = ts.transpileModule(readFileSync(fileName, 'utf8'), {
    fileName,
    compilerOptions,
  });
  mkdirSync(join(root, dirname(output)), { recursive: true });
  writeFileSync(join(root, `${output}.map`), sourceMapText);
  writeFileSync(join(root, output), withRelativePaths(outputText, source));
}
for (const output of ['dist/apps', 'dist/libs'].flatMap(filesBelow))
  if (/\.js(\.map)?$/.test(output) && !outputs.has(output)) rmSync(join(root, output));

/** `@fsb/api/labels` as Node finds it from a file of dist/. */
function withRelativePaths(code, source) {
  return code.replace(/\b(require|import)\((["'])@fsb\/([^/"']+)\/([^"']+)\2\)/g, (_, call, quote, lib, file) => {
    const path = relative(dirname(source), join('libs', lib, 'src', file));
    return `${call}(${quote}${path.startsWith('.') ? path : `./${path}`}${quote})`;
  });
}

/** Paths from the root. */
function filesBelow(folder) {
  try {
    return readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name));
  } catch {
    return []; // not made yet
  }
}

/** Unix milliseconds; 0 where there is none. */
function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
