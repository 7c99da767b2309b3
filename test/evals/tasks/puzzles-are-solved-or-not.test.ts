import { describe, expect, it } from 'vitest';
import { solvesCountdown, solvesSudoku } from '../../../src/evals/tasks/puzzles.js';

describe('a Sudoku', () => {
  const puzzle = '1003\n0300\n3210\n4132';
  it.each([
    ['1423\n2341\n3214\n4132', true],
    [' 1423 2341 3214 4132 ', true],
    // a given changed, though the grid is right
    ['1423\n2314\n3241\n4132', false],
    // a box, a column, a row with a digit twice
    ['1423\n2341\n3214\n4133', false],
    ['1423\n4321\n3214\n4132', false],
    ['1423\n2341\n3214', false],
    ['', false],
  ])('%j: %s', (answer, isRight) => {
    expect(solvesSudoku(puzzle, answer)).toBe(isRight);
  });

  it('has no box rule that rows and columns imply', () => {
    expect(solvesSudoku('0000\n0000\n0000\n0000', '1234\n2341\n3412\n4123')).toBe(false);
  });
});

describe('a countdown', () => {
  it.each([
    ['15,44,79,50', '44-15=29,79-29=50', true],
    ['15,44,79,50', '79-44=35,35+15=50', true],
    // wrong sum, number used twice, number left over, other goal, no steps
    ['15,44,79,50', '44-15=28,79-29=50', false],
    ['15,44,79,50', '44-15=29,79-29=50,50-44=6', false],
    ['1,2,12,25', '12*2=24', false],
    ['1,2,12,25', '2*12=24,24-1=23', false],
    ['98,2,49', '98/2=49', true],
    ['98,3,33', '98/3=33', false],
    ['98,2,49', 'nothing', false],
  ])('%s by %s: %s', (puzzle, answer, isRight) => {
    expect(solvesCountdown(puzzle, answer)).toBe(isRight);
  });
});
