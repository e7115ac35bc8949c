// Uses the core alone: no ROOT.
#include <aeplugin/darkmachines.hxx>
#include <aeplugin/engine.hxx>

#include <iostream>

int main(int argc, char **argv)
{
   if (argc != 3) {
      std::cerr << "usage: core EVENTS.csv MODEL\n";
      return 2;
   }
   aeplugin::darkmachines::Reader reader(argv[1]);
   std::size_t events = 0;
   for (aeplugin::EventBlock block; reader.Next(block);)
      events += block.fEvents;

   const auto jets = aeplugin::OpenAutoencoder(argv[2]);
   const float jet[] = {947383, 824498, -0.523103f, 1.64421f};
   float latents[3];
   float back[4];
   jets.fEncoder->Run(jet, 1, latents);
   jets.fDecoder->Run(latents, 1, back);
   std::cout << events << " events, pt " << jet[1] << " -> " << back[1] << "\n";
}
