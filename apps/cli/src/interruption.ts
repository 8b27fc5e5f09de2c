/** Waits until somebody asks the program to stop (SIGINT, SIGTERM). After that the signals end it as they usually do. */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.removeListener("SIGINT", stop);
      process.removeListener("SIGTERM", stop);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
