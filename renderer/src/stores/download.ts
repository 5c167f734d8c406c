/** Lets the browser download a picture of this host. */
export function download(url: string, fileName: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Puts a PNG on the clipboard. The blob goes in as a promise, so that the click's permission is still fresh. */
export async function copyPng(url: string): Promise<void> {
  const png = fetch(url).then(async (response) => {
    if (!response.ok) throw new Error(`The picture answered ${String(response.status)}.`);
    return await response.blob();
  });
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
}
