package omen.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A stream of events, to be gone through as often as one likes: from a file, read and parsed anew each time, or from memory.
 *
 * <p>The parser is Jackson's streaming one, which makes no tree: members that nobody reads are skipped. It is the fastest
 * way that Jackson offers, and the time is read by place, as a parser for any RFC 3339 time would cost more than the rest.
 */
public interface Events {
  void forEach(Consumer<Event> consumer);

  static Events inFile(Path path, long limit) {
    return consumer -> {
      JsonFactory factory = new JsonFactory();
      try (JsonParser json = factory.createParser(new FileInputStream(path.toFile()))) {
        Day day = new Day();
        for (long i = 0; i < limit && json.nextToken() == JsonToken.START_OBJECT; ++i) {
          consumer.accept(read(json, day));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  static Events inMemory(Path path, long limit) {
    List<Event> events = new ArrayList<>();
    inFile(path, limit).forEach(events::add);
    return events::forEach;
  }

  private static Event read(JsonParser json, Day day) throws IOException {
    Event event = new Event();
    for (String name; (name = json.nextFieldName()) != null; ) {
      json.nextToken();
      switch (name) {
        case "type" -> event.type = json.getText().intern();
        case "ts" -> event.time = day.time(json.getText());
        case "id" -> event.id = json.getText();
        case "user_id" -> event.userId = json.getText();
        case "amount" -> event.amount = json.getDoubleValue();
        default -> json.skipChildren();
      }
    }
    return event;
  }

  /** Reads 2026-01-05T10:00:00Z and 2026-01-05T10:00:00.123Z; the day is remembered, since the next one is the same. */
  final class Day {
    private String date = "";
    private long begin;

    long time(String text) {
      if (!text.startsWith(date) || date.isEmpty()) {
        date = text.substring(0, 10);
        begin = LocalDate.parse(date).toEpochDay() * 86_400_000;
      }
      long seconds = digits(text, 11, 2) * 3600 + digits(text, 14, 2) * 60 + digits(text, 17, 2);
      int places = text.charAt(19) == '.' ? Math.min(3, text.length() - 21) : 0;
      long fraction = digits(text, 20, places);
      for (int i = places; i < 3; ++i) fraction *= 10;
      return begin + seconds * 1000 + fraction;
    }

    private static long digits(String text, int from, int count) {
      long value = 0;
      for (int i = from; i < from + count; ++i) value = value * 10 + (text.charAt(i) - '0');
      return value;
    }
  }
}
