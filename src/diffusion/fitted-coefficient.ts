/**
 * The coefficient β of a control variate with mean 0, by least squares over sequences, y = μ·tokens + β·c + rest. Each group has
 * its own β, fitted on all other groups. Times and z are independent between groups (times.ts), so a group's c has mean 0
 * given its β, and y − β·c has the mean of y: unbiased, however bad the fit.
 *
 * With little data β stays near `priorCoefficient`, which has the weight of two sequences.
 */
export const priorCoefficient = 0.8;
const priorSequences = 2;

interface Sums {
  n: number;
  cc: number;
  cy: number;
  ct: number;
  yt: number;
  tt: number;
}

const none: Sums = { n: 0, cc: 0, cy: 0, ct: 0, yt: 0, tt: 0 };

export class FittedCoefficient {
  private readonly groups: Sums[];

  constructor(groups: number) {
    this.groups = Array.from({ length: groups }, () => ({ ...none }));
  }

  /** One draw of a sequence: its weighted loss and control, and its number of tokens. */
  add(group: number, loss: number, control: number, tokens: number): void {
    const sums = this.groups[group];
    sums.n++;
    sums.cc += control * control;
    sums.cy += control * loss;
    sums.ct += control * tokens;
    sums.yt += loss * tokens;
    sums.tt += tokens * tokens;
  }

  /** β for a group, fitted on the others. */
  withoutGroup(group: number): number {
    const { n, cc, cy, ct, yt, tt } = this.groups.reduce(
      (total, sums, g) => (g === group ? total : plus(total, sums)),
      none,
    );
    if (cc === 0) return priorCoefficient;
    const prior = (priorSequences * cc) / n;
    return (cy + prior * priorCoefficient - (ct * yt) / tt) / (cc + prior - (ct * ct) / tt);
  }
}

function plus(a: Sums, b: Sums): Sums {
  return {
    n: a.n + b.n,
    cc: a.cc + b.cc,
    cy: a.cy + b.cy,
    ct: a.ct + b.ct,
    yt: a.yt + b.yt,
    tt: a.tt + b.tt,
  };
}
