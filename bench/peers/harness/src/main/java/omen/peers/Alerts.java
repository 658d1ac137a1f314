package omen.peers;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * What comes of matches: each is made to a line of JSON, counted, and written. It names the rule, the key, the first and
 * the last time and the ids of the events; Omen's alert has the whole events and an id of its own besides.
 */
public final class Alerts implements AutoCloseable {
  private static final int LARGE = 64 * 1024;

  private final OutputStream out;
  private final StringBuilder text = new StringBuilder(2 * LARGE);
  private long count = 0;

  public Alerts(OutputStream out) {
    this.out = out;
  }

  public void raise(String rule, String key, long start, long end, Iterable<String> ids) {
    ++count;
    text.append("{\"rule\":\"").append(rule).append("\",\"key\":\"").append(key);
    text.append("\",\"start\":").append(start).append(",\"end\":").append(end).append(",\"events\":[");
    String comma = "\"";
    for (String id : ids) {
      text.append(comma).append(id).append('"');
      comma = ",\"";
    }
    text.append("]}\n");
    if (text.length() > LARGE) flush();
  }

  public long count() {
    return count;
  }

  private void flush() {
    try {
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    text.setLength(0);
  }

  @Override
  public void close() {
    flush();
  }
}
