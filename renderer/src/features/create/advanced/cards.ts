export interface Card {
  readonly name: string;
  /** Streaming multiprocessors. */
  readonly sms: number;
  /** Most threads at once on each of them: 1024 on Turing, 1536 on GeForce Ampere and Ada, 2048 on data-centre cards. */
  readonly threadsPerSm: number;
}

/** Cards that published seeds most often come from; NVIDIA's data sheets and the CUDA guide's table of compute capabilities. */
export const cards: readonly Card[] = [
  { name: 'RTX 3060', sms: 28, threadsPerSm: 1536 },
  { name: 'RTX 3080', sms: 68, threadsPerSm: 1536 },
  { name: 'RTX 3090', sms: 82, threadsPerSm: 1536 },
  { name: 'RTX 4080', sms: 76, threadsPerSm: 1536 },
  { name: 'RTX 4090', sms: 128, threadsPerSm: 1536 },
  { name: 'T4', sms: 40, threadsPerSm: 1024 },
  { name: 'V100', sms: 80, threadsPerSm: 2048 },
  { name: 'A100', sms: 108, threadsPerSm: 2048 },
  { name: 'H100', sms: 132, threadsPerSm: 2048 },
];
