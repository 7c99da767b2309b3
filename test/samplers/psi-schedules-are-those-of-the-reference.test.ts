import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { noiseSchedule, type ScheduleType } from '../../src/diffusion/schedule.js';
import { type PsiOptions, psiSchedule, roundHalfToEven } from '../../src/samplers/psi-schedule.js';

interface Case {
  high_mode: string;
  middle_mode: string;
  low_mode: string;
  high_frac: number;
  middle_frac: number;
  steps: number;
  time_profile: string;
  schedule?: ScheduleType;
  timesteps: number[];
  kappas: number[];
}

const oracle = new URL('../oracles/duo-reference.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(oracle, 'utf8')).psi_kappas;

const logLinear = noiseSchedule({ type: 'log-linear' });
const plain: PsiOptions = {
  high: 'pure-posterior',
  middle: 'pure-posterior',
  low: 'pure-posterior',
  highFraction: 0,
  middleFraction: 0,
  timeProfile: 'linear',
};

describe('beside the reference implementation', () => {
  it.each(cases)('$time_profile, $high_mode, $middle_mode, $low_mode: times and κ to 1e-6', (row) => {
    const own = psiSchedule(
      {
        high: row.high_mode,
        middle: row.middle_mode,
        low: row.low_mode,
        highFraction: row.high_frac,
        middleFraction: row.middle_frac,
        timeProfile: row.time_profile,
      },
      row.steps,
      noiseSchedule({ type: row.schedule ?? 'log-linear' }),
    );
    expect(own.times.length).toBe(row.timesteps.length);
    expect(own.kappas.length).toBe(row.kappas.length);
    const furthest = (a: Float64Array, b: number[]) =>
      Math.max(...b.map((value, i) => Math.abs(a[i] - value)));
    expect(furthest(own.times, row.timesteps)).toBeLessThanOrEqual(1e-6);
    expect(furthest(own.kappas, row.kappas)).toBeLessThanOrEqual(1e-6);
  });
});

describe('a Ψ schedule', () => {
  it('rounds halves to even', () => {
    expect([0.5, 1.5, 2.5, 6.5, 7.5, 2.4, 2.6].map(roundHalfToEven)).toEqual([0, 2, 2, 6, 8, 2, 3]);
  });

  it('rescales as ReMDM’s paper has it: ς = η·min(1, (1−α_s)/α_t)', () => {
    const { times, kappas } = psiSchedule({ ...plain, low: 'remdm-rescale-0.3' }, 7, logLinear);
    for (let i = 0; i < 7; i++) {
      const [alphaT, noise] = [logLinear.alpha(times[i]), logLinear.oneMinusAlpha(times[i + 1])];
      const expected = Math.min(1, Math.max(0, 1 - (0.3 * Math.min(1, noise / alphaT)) / noise));
      expect(kappas[i]).toBeCloseTo(expected, 12);
    }
    expect(kappas[7]).toBe(1);
    expect(new Set(kappas).size).toBeGreaterThan(4);
  });

  it('has steps + 1 times for every number of steps and every split', () => {
    for (const steps of [1, 2, 3, 6, 13])
      for (const [highFraction, middleFraction] of [
        [0, 0],
        [1, 0],
        [0.5, 0.5],
        [0.34, 0.66],
        [0.2, 0.6],
      ])
        for (const timeProfile of [
          'linear',
          'linear-constant-linear-0.3',
          'linear-constant-linear-0.9-inv',
        ]) {
          const { times, kappas } = psiSchedule(
            { ...plain, highFraction, middleFraction, timeProfile },
            steps,
            logLinear,
          );
          expect([times.length, kappas.length]).toEqual([steps + 1, steps + 1]);
          expect([...times].every((t, i) => t >= 1e-5 && t <= 1 && (i === 0 || t <= times[i - 1]))).toBe(
            true,
          );
        }
  });

  it.each([
    [{ low: 'constant-1.5' }, 'kappa-out-of-range'],
    [{ low: 'constant--0.5' }, 'unknown-kappa-mode'],
    [{ middle: 'max-capped' }, 'unknown-kappa-mode'],
    [{ high: 'max-capped-7' }, 'kappa-out-of-range'],
    [{ timeProfile: 'quadratic' }, 'unknown-time-profile'],
    [{ timeProfile: 'linear-constant-linear-1.2' }, 'time-profile-range'],
    [{ timeProfile: 'linear-constant-linear-1.2-inv' }, 'time-profile-range'],
    [{ highFraction: 0.7, middleFraction: 0.6 }, 'psi-fractions'],
  ])('refuses %o', (changed, code) => {
    expect(() => psiSchedule({ ...plain, ...changed }, 4, logLinear)).toThrow(
      expect.objectContaining({ code, exitCode: 2 }),
    );
  });
});
