import { expect, it } from 'vitest';
import { judge, type Measured } from '../../../src/evals/calibration/record.js';

const judged = (changed: Partial<Measured>) =>
  judge({ closedForm: 2, estimate: 2.03, stderr: 0.01, exact: false, notCounted: null, ...changed });

it('within 4 standard errors a check passes', () => {
  const { z, verdict, reason } = judged({});
  expect(z).toBeCloseTo(3, 10);
  expect(verdict).toBe('pass');
  expect(reason).toBeNull();
});

it('at 4 standard errors it fails, on either side', () => {
  expect(judged({ estimate: 3, stderr: 0.25 })).toMatchObject({ verdict: 'fail', z: 4 });
  expect(judged({ estimate: 1, stderr: 0.25 })).toMatchObject({ verdict: 'fail', z: -4 });
});

it('a standard error that is zero, unknown or not a number is never a pass, even of a perfect estimate', () => {
  for (const stderr of [0, null, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(judged({ estimate: 2, stderr })).toMatchObject({ verdict: 'fail', z: null });
  }
});

it('an estimate that is not a number fails', () => {
  expect(judged({ estimate: Number.NaN }).verdict).toBe('fail');
  expect(judged({ estimate: Number.NaN, exact: true }).verdict).toBe('fail');
});

it('where no noise is drawn the estimate must be the closed form to 1e-5', () => {
  expect(judged({ estimate: 2.00001, stderr: 0, exact: true }).verdict).toBe('pass');
  expect(judged({ estimate: 2.00003, stderr: 0, exact: true }).verdict).toBe('fail');
});

it('what does not count is neither passed nor failed, and says why', () => {
  const check = judged({ estimate: 9, notCounted: 'it is the model itself' });
  expect(check).toMatchObject({ verdict: 'not-counted', reason: 'it is the model itself' });
  expect(check.z).toBeCloseTo(700, 8);
});
