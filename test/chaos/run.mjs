// Compiles the chaos run into one file and runs it. The file lies two folders below the checkout, as its sources do.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const outfile = join(root, '.cache/chaos/main.cjs');
buildSync({
  entryPoints: [join(root, 'test/chaos/main.ts')],
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
