# frozen_string_literal: true

module TaskerCore
  class Worker
    # Makes the worker known to the server, once for each start and again whenever it is forgotten there.
    class Registration
      SECONDS = 10

      def initialize(worker, configuration)
        @worker = worker
        @body = Payload.encode(
          { instance_id: SecureRandom.uuid, name: configuration.worker_name, language: 'ruby', sdk_version: VERSION,
            namespaces: configuration.namespaces.empty? ? nil : configuration.namespaces,
            handlers: told(worker.handlers), slots: configuration.concurrency }.compact, 'registration'
        )
      end

      # A new session, as soon as the server gives one; nil where the worker is to end before. Raises Wire::Refused.
      def session(ending)
        pauses = Pauses.new
        begin
          sent = Worker.now
          Session.new(@worker.wire.ask(:post, '/v1/workers', @body, SECONDS), sent)
        rescue Wire::Lost => e
          @worker.note_trouble(e)
          ending.wait(pauses.next(e.pause)) ? nil : retry
        end
      end

      private

      def told(handlers)
        handlers.map do |name, handler|
          needed = handler.declared_dependencies
          needed.empty? ? { callable: name } : { callable: name, dependencies: needed }
        end
      end
    end
  end
end
