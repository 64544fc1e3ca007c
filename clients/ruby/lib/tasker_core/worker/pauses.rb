# frozen_string_literal: true

module TaskerCore
  class Worker
    # How long to wait between the tries of a request: longer and longer, by chance, so that many workers don't come
    # back at the same instant.
    class Pauses
      FIRST = 0.2
      LONGEST = 15.0

      def initialize
        reset
      end

      def reset
        @longest = FIRST
      end

      # Seconds before the next try; +asked+ are those that the server named.
      def next(asked = nil)
        pause = asked || rand(0.0..@longest)
        @longest = [@longest * 2, LONGEST].min
        pause
      end
    end
  end
end
