/** A headless Chromium that asks the network for nothing but `url`. */
export function chromiumCommand(profile: string, proxy: string, url: string): readonly string[] {
  return [
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    `--user-data-dir=${profile}`,
    `--proxy-server=${proxy}`,
    "--proxy-bypass-list=<-loopback>",
    "--dump-dom",
    url,
  ];
}
