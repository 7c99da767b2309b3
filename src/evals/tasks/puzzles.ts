/**
 * Puzzles with more than one solution: an answer is right if it solves the puzzle, whatever the solution in the data set is. Both are in
 * the form of arXiv 2410.14157: a Sudoku as lines of digits with 0 for an empty cell; a countdown as numbers and a goal, and steps
 * such as `44-15=29,79-29=50`.
 */

/** Whether every row, column and box of the answer holds each digit once, and the givens are kept. */
export function solvesSudoku(puzzle: string, answer: string): boolean {
  const [given, filled] = [puzzle, answer].map((text) => text.trim().split(/\s+/));
  const size = given.length;
  const box = Math.sqrt(size);
  const isGrid = (rows: readonly string[]) =>
    rows.length === size && rows.every((row) => row.length === size);
  if (!Number.isInteger(box) || !isGrid(given) || !isGrid(filled)) return false;
  const all = Array.from({ length: size }, (_, i) => i);
  const isWhole = (cells: readonly string[]) =>
    new Set(cells).size === size && cells.every((digit) => /^[1-9]$/.test(digit) && Number(digit) <= size);
  return (
    all.every((r) => all.every((c) => given[r][c] === '0' || given[r][c] === filled[r][c])) &&
    all.every((r) => isWhole([...filled[r]])) &&
    all.every((c) => isWhole(all.map((r) => filled[r][c]))) &&
    all.every((b) =>
      isWhole(
        all.map((i) => filled[box * Math.floor(b / box) + Math.floor(i / box)][box * (b % box) + (i % box)]),
      ),
    )
  );
}

const STEP = /^(\d{1,9})([-+*/])(\d{1,9})=(\d{1,9})$/;

/** @param puzzle the numbers and last the goal, separated by commas: each number is used once, and the last step gives the goal */
export function solvesCountdown(puzzle: string, answer: string): boolean {
  const numbers = puzzle.trim().split(',').map(Number);
  const goal = numbers.pop();
  const take = (number: number): boolean => {
    const at = numbers.indexOf(number);
    if (at >= 0) numbers.splice(at, 1);
    return at >= 0;
  };
  for (const step of answer.trim().split(',')) {
    const parts = STEP.exec(step);
    if (!parts) return false;
    const [a, b, result] = [parts[1], parts[3], parts[4]].map(Number);
    if (!take(a) || !take(b)) return false;
    const values: Record<string, number> = { '+': a + b, '-': a - b, '*': a * b, '/': a / b };
    if (values[parts[2]] !== result) return false;
    numbers.push(result);
  }
  return numbers.length === 1 && numbers[0] === goal;
}
