/**
 * Switches the runtime's telemetry off: it would leave files in TMPDIR at each start (mat-debug-PID.log) and could send
 * events. The runtime reads the variable when it is loaded, so this is imported before it, by the main thread: a
 * worker's `process.env` is a copy that native code does not see.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
