/** Gates over rows whose names try to leave their line, cell and tag. */
import { checkGates } from '../../src/comparison/gate/checks.js';
import { gatesOf } from './gates.js';
import { resultOfNats, rowsOfResults } from './rows.js';

const nats = Array.from({ length: 20 }, (_, i) => 600 + 90 * Math.sin(3 * i));
const evil = 'a,b:c%d\n::error::<&"\'>]]>\u0007';
const rows = (count: number) =>
  rowsOfResults(Array.from({ length: count }, (_, i) => resultOfNats(nats, `${evil}${i}`, `data ${i}`)));
export const record = (count: number) =>
  checkGates(
    gatesOf('- {name: "first, of 2: 100%", metric: ppl, max: 1}\n- {metric: ppl, max: 109}'),
    rows(count),
    null,
  );
