import { FastPathServiceService } from '@fsb/api/gen/fastpath/v1/fastpath';
import { ImageServiceService } from '@fsb/api/gen/fastpath/v1/images';
import { SandboxLogServiceService } from '@fsb/api/gen/fastpath/v1/logs';
import { AUDITED_METHODS } from './audited-methods';

it('AUDITED_METHODS: has every method that the gateway serves', () => {
  const services = [FastPathServiceService, SandboxLogServiceService, ImageServiceService];
  const paths = services.flatMap((service) =>
    Object.values<{ readonly path: string }>(service).map(({ path }) => path),
  );
  expect(Object.keys(AUDITED_METHODS).sort()).toEqual(paths.sort());
});
