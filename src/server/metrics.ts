/** Counts and durations in the text form that Prometheus reads (exposition format 0.0.4). */

/** Upper ends of the histogram's buckets, seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

interface Durations {
  /** Requests up to each bucket's end, not cumulative; the last is beyond all. */
  counts: number[];
  sum: number;
}

/** A figure that is read when it is asked for. */
export interface Gauge {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  value(): number;
}

export class Metrics {
  private readonly requests = new Map<string, number>();
  private readonly durations = new Map<string, Durations>();

  constructor(private readonly gauges: readonly Gauge[]) {}

  /** @param route as declared, so that clients cannot make names */
  count(route: string, status: number, seconds: number): void {
    const key = `route="${route}",status="${status}"`;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
    const durations = this.durations.get(route) ?? { counts: Array(BUCKETS.length + 1).fill(0), sum: 0 };
    this.durations.set(route, durations);
    const bucket = BUCKETS.findIndex((end) => seconds <= end);
    durations.counts[bucket < 0 ? BUCKETS.length : bucket]++;
    durations.sum += seconds;
  }

  text(): string {
    const lines = [
      ...head('duo_eval_requests_total', 'Requests answered, by route and status.', 'counter'),
      ...[...this.requests].map(([labels, count]) => `duo_eval_requests_total{${labels}} ${count}`),
      ...head(
        'duo_eval_request_seconds',
        'Seconds from the first byte of a request to the last of its answer.',
        'histogram',
      ),
      ...[...this.durations].flatMap(([route, durations]) => histogram(route, durations)),
      ...this.gauges.flatMap(({ name, help, type, value }) => [
        ...head(name, help, type),
        `${name} ${value()}`,
      ]),
    ];
    return `${lines.join('\n')}\n`;
  }
}

const head = (name: string, help: string, type: string) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

function histogram(route: string, { counts, sum }: Durations): string[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return `duo_eval_request_seconds_bucket{route="${route}",le="${BUCKETS[i] ?? '+Inf'}"} ${total}`;
  });
  return [
    ...buckets,
    `duo_eval_request_seconds_sum{route="${route}"} ${sum}`,
    `duo_eval_request_seconds_count{route="${route}"} ${total}`,
  ];
}
