import { access } from './cases/access';
import { creates } from './cases/creates';
import { ends } from './cases/ends';
import { kubectl } from './cases/kubectl';
import { placement } from './cases/placement';
import { quotas } from './cases/quotas';
import { recovery } from './cases/recovery';
import { rollouts } from './cases/rollouts';
import { scaling } from './cases/scaling';
import { Product } from './product';

/** Start of a node with five images and fourteen processes, on two cores. */
const START_MS = 400_000;
const END_MS = 60_000;

/** One cluster for all; the order matters. */
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

  describe('access', () => {
    access(product);
  });
  describe('sandboxes through the gateway', () => {
    creates(product);
  });
  describe('sandboxes with kubectl', () => {
    kubectl(product);
  });
  describe('ResourceQuotas', () => {
    quotas(product);
  });
  describe('an agent Pod', () => {
    placement(product);
  });
  describe('a pool under a burst', () => {
    scaling(product);
  });
  describe('a deleted agent Pod', () => {
    recovery(product);
  });
  describe('kubectl rollout restart under load', () => {
    rollouts(product);
  });
  describe('the end', () => {
    ends(product);
  });
});
