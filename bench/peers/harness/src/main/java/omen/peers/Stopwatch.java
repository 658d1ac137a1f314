package omen.peers;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Time by the wall clock and processor time of all threads, from the first event to the last alert. */
public final class Stopwatch {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private volatile long begin, cpuBegin, nanos, cpuNanos;

  public void start() {
    cpuBegin = SYSTEM.getProcessCpuTime();
    begin = System.nanoTime();
  }

  /** The last of several counts. */
  public void stop() {
    nanos = System.nanoTime() - begin;
    cpuNanos = SYSTEM.getProcessCpuTime() - cpuBegin;
  }

  public long nanos() {
    return nanos;
  }

  public long cpuNanos() {
    return cpuNanos;
  }
}
