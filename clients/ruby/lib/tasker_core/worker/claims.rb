# frozen_string_literal: true

module TaskerCore
  class Worker
    # The long poll: asks for as many steps as there is room for, one request at a time.
    class Claims
      # Seconds that the answer may come late, and the longest pause after an empty one.
      MARGIN = 10
      JITTER = 0.1

      def initialize(worker)
        @worker = worker
        @ended = Flag.new
        @thread = Thread.new { claim_on }
        @thread.name = 'tasker-claims'
      end

      # Ends the request that waits. What its answer would have brought goes back into the queue.
      def close
        @ended.raise_up
        @worker.room.close
        @worker.wire.hang_up(@thread) until @thread.join(0.05)
      end

      # Ends a request for a session that is over.
      def begin_anew
        @worker.wire.hang_up(@thread) unless Thread.current.equal?(@thread)
      end

      private

      def claim_on
        pauses = Pauses.new
        until @ended.up?
          next @ended.wait(@worker.session.heartbeat) if @worker.draining?

          session = @worker.session
          places = @worker.room.take(session.max_claim) or break
          taken = 0
          begin
            # An operator's word may have come while there was no room.
            taken = claim(session, places) unless @worker.draining?
            pauses.reset
          rescue Wire::Unknown
            @worker.register_again(session)
            # A server that forgets at once isn't asked as fast as it can forget.
            @ended.wait(pauses.next)
          rescue Wire::Refused => e
            @worker.refused(e)
            @ended.wait(session.heartbeat)
          ensure
            @worker.room.give(places - taken)
          end
        end
      end

      # How many places were filled.
      def claim(session, places)
        body = JSON.generate({ request_id: Uuid.new, max: places, wait_ms: session.longest_wait })
        answer = asked(session, body)
        return 0 if answer.nil?

        @worker.heed(answer['directive'])
        @worker.take(answer['leases'] || [], session)
      end

      # The same request, with the same id, until it is answered.
      def asked(session, body)
        pauses = Pauses.new
        seconds = (session.longest_wait / 1_000.0) + MARGIN
        begin
          answer = @worker.wire.ask(:post, session.path('/claims'), body, seconds)
          @ended.wait(rand(0.0..JITTER)) if answer.nil? || (answer['leases'] || []).empty?
          answer
        rescue Wire::Lost => e
          return if @ended.up? || !session.same_worker?(@worker.session)

          @worker.note_trouble(e)
          @ended.wait(pauses.next(e.pause)) ? nil : retry
        end
      end
    end
  end
end
