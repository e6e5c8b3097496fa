// Compiles changed sources of apps and libs into dist/, file by file as `nest build` does but without type checks,
// which take most of the time and which `make lint` runs.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options: compilerOptions } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const isSource = (path) => /^(apps|libs)\/[^/]+\/src\/.*\.ts$/.test(path) && !/\.spec\.ts$|\/testing\//.test(path);
// a change of this script or of the settings invalidates every output
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

/** Replaces `@fsb/api/labels` and the like by relative paths within dist/. */
function withRelativePaths(code, source) {
  return code.replace(/\b(require|import)\((["'])@fsb\/([^/"']+)\/([^"']+)\2\)/g, (_, call, quote, lib, file) => {
    const path = relative(dirname(source), join('libs', lib, 'src', file));
    return `${call}(${quote}${path.startsWith('.') ? path : `./${path}`}${quote})`;
  });
}

/** Paths below a folder, relative to the root. */
function filesBelow(folder) {
  try {
    return readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name));
  } catch {
    return []; // does not exist yet
  }
}

/** Modification time in Unix ms; 0 when the file does not exist. */
function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
