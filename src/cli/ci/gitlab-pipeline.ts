/** The pipeline that `init-ci --gitlab` writes: the steps of github-workflow.ts as GitLab has them. */
import type { WorkflowOptions } from './github-workflow.js';

export function gitlabPipeline({ suite, gates, baseline, shards, throughput }: WorkflowOptions): string {
  return `# Written by duo-eval init-ci --gitlab. Models and data must be in the repository, or be fetched by a step of yours.
stages: [evaluate, judge]

default:
  image: node:22
  before_script:
    - npm ci --ignore-scripts

evaluate:
  stage: evaluate
  parallel: ${shards}
  variables:
    DUO_EVAL_CACHE: $CI_PROJECT_DIR/.duo-eval-cache
  cache: # cells that have not changed are not run again
    key: duo-eval-$CI_NODE_INDEX
    paths: [.duo-eval-cache]
  script:
    - npx --no-install duo-eval run ${suite} --shard ${shards === 1 ? '1/1' : '$CI_NODE_INDEX/$CI_NODE_TOTAL'} --out part-${shards === 1 ? '1' : '$CI_NODE_INDEX'}.json
  artifacts:
    paths: ['part-*.json']

judge:
  stage: judge
  script:
    - npx --no-install duo-eval merge part-*.json --out results.json
    - npx --no-install duo-eval report results.json --out report.html
    # The baseline is a results.json that you committed; without one, gates may only limit the figures themselves.
    - if [ -f ${baseline} ]; then set -- --baseline ${baseline}; else set --; fi
    - npx --no-install duo-eval gate --results results.json --config ${gates} --junit gates.xml "$@"
  allow_failure:
    exit_codes: 8 # undecided: a warning
  artifacts:
    when: always
    paths: [results.json, report.html, gates.xml]
    reports:
      junit: gates.xml # shown in the merge request
${throughput ? throughputJob(throughput) : ''}`;
}

/** Both builds run in one job, because machines differ. */
function throughputJob({ model, gates }: NonNullable<WorkflowOptions['throughput']>): string {
  return `
throughput:
  stage: evaluate
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    # The build that the merge request would replace.
    - git fetch --depth 1 origin "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
    - git worktree add --force base FETCH_HEAD
    # Timed in turn on one machine: its drift hits both. Undecided (exit status 8) asks for more --samples.
    - npx --no-install duo-eval bench --model ${model} --against base/${model} --samples 128 --no-memory --out throughput.json
    - npx --no-install duo-eval gate --results throughput.json --config ${gates} --junit throughput.xml
  artifacts:
    when: always
    paths: [throughput.json, throughput.xml]
    reports:
      junit: throughput.xml
`;
}
