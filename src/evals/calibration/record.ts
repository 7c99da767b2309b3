/**
 * The record of a calibration: estimated losses of exact models of known sources, with their closed forms.
 */

/** Largest |z| that passes. By chance one check in 16,000 lies outside. */
export const LARGEST_Z = 4;
/** Without noise the estimate must equal the closed form up to float32 rounding. */
const EXACT_TOLERANCE = 1e-5;

export type Verdict = 'pass' | 'fail' | 'not-counted';

/** One source under one model family, schedule, estimator and protocol. Losses are in nats per scored token. */
export interface CalibrationCheck {
  source: string;
  /** What the source is, in words. */
  description: string;
  family: string;
  /** Null for ar, which has no noise, as are estimator and protocol; and for likelihoods over orders, which `estimator` names. */
  schedule: string | null;
  estimator: string;
  protocol: string | null;
  sequences: number;
  tokens: number;
  draws: number | null;
  /** −ln p of the text. */
  whole: number;
  /** The part that the protocol integrates, which the estimate must equal. */
  closedForm: number;
  estimate: number;
  /** Monte Carlo standard error of the estimate, on this text; 0 for ar. */
  stderr: number | null;
  /** (estimate − closedForm)/stderr; null where there is no standard error to divide by. */
  z: number | null;
  verdict: Verdict;
  /** Why the check fails or is not counted. */
  reason: string | null;
}

/** Whether it checks a likelihood over orders of revealing tokens, which has no noise schedule (order-checks.ts). */
export function isOverOrders({ family, schedule }: CalibrationCheck): boolean {
  return schedule === null && family !== 'ar';
}

export interface CalibrationRecord {
  eval: 'calibration';
  seed: number;
  /** Sequences of each source's text, and tokens per sequence. */
  sequences: number;
  length: number;
  /** Draws per sequence. */
  draws: number;
  checks: CalibrationCheck[];
  passed: number;
  failed: number;
  notCounted: number;
  wallSeconds: number;
  environment: { tool: string; node: string; onnxruntime: string; provider: string; threads: number };
}

export interface Measured {
  closedForm: number;
  estimate: number;
  stderr: number | null;
  /** No noise was drawn, so the standard error must be 0. */
  exact: boolean;
  /** Why the check is not counted; null where it is. */
  notCounted: string | null;
}

/** A standard error of zero passes only for a loss without noise; elsewhere it means that nothing was drawn. */
export function judge(measured: Measured): Pick<CalibrationCheck, 'z' | 'verdict' | 'reason'> {
  const { closedForm, estimate, stderr, exact, notCounted } = measured;
  if (exact) {
    const off = Math.abs(estimate / closedForm - 1);
    return off <= EXACT_TOLERANCE
      ? { z: null, verdict: 'pass', reason: null }
      : { z: null, verdict: 'fail', reason: `off by ${off.toExponential(1)}, where no noise is drawn` };
  }
  const known = stderr !== null && Number.isFinite(stderr) && stderr > 0;
  const z = known ? (estimate - closedForm) / stderr : null;
  if (notCounted !== null) return { z, verdict: 'not-counted', reason: notCounted };
  if (z === null) return { z, verdict: 'fail', reason: `a standard error of ${stderr} proves nothing` };
  return Math.abs(z) < LARGEST_Z
    ? { z, verdict: 'pass', reason: null }
    : { z, verdict: 'fail', reason: `|z| = ${Math.abs(z).toFixed(1)}, at least ${LARGEST_Z}` };
}
