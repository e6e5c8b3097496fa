// run-bundled.mjs NAME: compiles test/NAME/main.ts into one file and runs it. That file lies two folders below the
// checkout, as its sources do.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const [, , name] = process.argv;
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const outfile = join(root, `.cache/${name}/main.cjs`);
buildSync({
  entryPoints: [join(root, `test/${name}/main.ts`)],
  absWorkingDir: root,
  tsconfig: join(root, 'tsconfig.json'),
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  bundle: true,
  packages: 'external',
  sourcemap: 'inline',
  outfile,
});
createRequire(import.meta.url)(outfile);
