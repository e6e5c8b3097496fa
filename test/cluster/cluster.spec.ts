import { creates } from './cases/creates';
import { Product } from './product';

/** A node, five images, fourteen processes, on two cores. */
const START_MS = 400_000;
const END_MS = 60_000;

/** In this order, on one cluster. */
describe('The product on a real Kubernetes', () => {
  let started: Product | undefined;
  const product = (): Product => {
    if (!started) throw new Error('the product was not deployed');
    return started;
  };

  beforeAll(async () => {
    started = await Product.start();
  }, START_MS);

  afterAll(() => started?.node.end(), END_MS);

  describe('sandboxes through the gateway', () => {
    creates(product);
  });
});
